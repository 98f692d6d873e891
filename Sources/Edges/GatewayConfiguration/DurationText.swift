/// Durations as people write them: `500ms`, `15s`, `5m`, `2h`, `1d`.
package enum DurationText {
    /// - Returns: `nil` when `text` is not a whole number followed by a unit, or is beyond 100 years.
    package static func parse(_ text: some StringProtocol) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isWholeNumber }
        guard let count = Int64(digits), count >= 0 else { return nil }
        let milliseconds: Int64
        switch text.dropFirst(digits.count) {
        case "ms": milliseconds = 1
        case "s": milliseconds = 1000
        case "m": milliseconds = 60_000
        case "h": milliseconds = 3_600_000
        case "d": milliseconds = 86_400_000
        default: return nil
        }
        let (total, overflow) = count.multipliedReportingOverflow(by: milliseconds)
        guard !overflow, total <= 100 * 366 * 86_400_000 else { return nil }
        return .milliseconds(total)
    }

    /// The shortest form that ``parse(_:)`` reads back, in whole milliseconds.
    package static func format(_ duration: Duration) -> String {
        let milliseconds = duration / .milliseconds(1)
        let total = Int64(milliseconds.rounded())
        for (unit, size) in [("d", Int64(86_400_000)), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
        where total >= size && total % size == 0 {
            return "\(total / size)\(unit)"
        }
        return total == 0 ? "0s" : "\(total)ms"
    }
}
