/// Sizes as people write them: `500MB`, `64GB`, `1TB`, in powers of ten, or `MiB`, `GiB`, `TiB` in powers of two.
package enum SizeText {
    private static let units: [(name: String, bytes: Int64)] = [
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("TiB", 1 << 40),
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
    ]

    /// - Returns: Bytes; `nil` when `text` is not a whole number followed by a unit, or is beyond 2^63.
    package static func parse(_ text: some StringProtocol) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isWholeNumber }
        guard let count = Int64(digits), count >= 0,
            let unit = units.first(where: { $0.name == text.dropFirst(digits.count) })
        else { return nil }
        let (total, overflow) = count.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : total
    }

    /// About so many bytes, for people.
    package static func rounded(_ bytes: Int64) -> String {
        let unit = units.prefix(4).first { bytes >= $0.bytes }
        return unit.map { "\(bytes / $0.bytes) \($0.name)" } ?? "\(bytes) bytes"
    }

    /// The shortest form that ``parse(_:)`` reads back, for sizes that came from it.
    package static func format(_ bytes: Int64) -> String {
        let unit = units.filter { bytes >= $0.bytes && bytes % $0.bytes == 0 }.max { $0.bytes < $1.bytes }
        return unit.map { "\(bytes / $0.bytes)\($0.name)" } ?? "\(bytes / 1_000)kB"
    }
}
