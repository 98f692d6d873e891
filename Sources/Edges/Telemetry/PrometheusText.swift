/// The text exposition format of Prometheus, version 0.0.4.
package enum PrometheusText {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// - Parameter families: In the order to write them; families of one name are written as one.
    /// - Returns: Lines for a scraper, the last one ended too.
    package static func render(_ families: [MetricFamily]) -> String {
        var order: [String] = []
        var merged: [String: MetricFamily] = [:]
        for family in families {
            if merged[family.name] == nil {
                order.append(family.name)
                merged[family.name] = family
            } else {
                merged[family.name]?.samples += family.samples
            }
        }
        return order.compactMap { merged[$0] }.map(text(of:)).joined()
    }

    private static func text(of family: MetricFamily) -> String {
        let help = family.help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        var text = "# HELP \(family.name) \(help)\n# TYPE \(family.name) \(family.kind.rawValue)\n"
        for sample in family.samples {
            switch sample.value {
            case .number(let value): text += line(family.name, sample.labels, number(value))
            case .integer(let value): text += line(family.name, sample.labels, "\(value)")
            case .histogram(let histogram): text += lines(family.name, sample.labels, histogram)
            }
        }
        return text
    }

    private static func lines(_ name: String, _ labels: [MetricFamily.Label], _ histogram: HistogramSnapshot) -> String
    {
        var text = ""
        var total: UInt64 = 0
        for (index, count) in histogram.counts.enumerated() {
            total &+= count
            let bound = index < histogram.upperBounds.count ? number(histogram.upperBounds[index]) : "+Inf"
            text += line(name + "_bucket", labels + [.init("le", bound)], "\(total)")
        }
        return text + line(name + "_sum", labels, number(histogram.sum)) + line(name + "_count", labels, "\(total)")
    }

    private static func line(_ name: String, _ labels: [MetricFamily.Label], _ value: String) -> String {
        guard !labels.isEmpty else { return "\(name) \(value)\n" }
        let pairs = labels.map { "\($0.name)=\"\(escape($0.value))\"" }.joined(separator: ",")
        return "\(name){\(pairs)} \(value)\n"
    }

    private static func escape(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return "\(value)"
    }
}
