extension ValueForm where Value == Int64 {
    /// A number of bytes with a unit.
    static func size(_ range: ClosedRange<Int64>) -> ValueForm {
        let expected = "a size from \(SizeText.format(range.lowerBound)) to \(SizeText.format(range.upperBound))"
        return ValueForm(expected: expected) { text throws(InvalidValue) in
            guard let value = SizeText.parse(text), range.contains(value) else {
                throw InvalidValue(
                    "`\(text)` is not \(expected)", cure: "write a whole number and its unit, as in 500MB or 2GB")
            }
            return value
        } format: {
            SizeText.format($0)
        }
    }
}

extension ValueForm where Value == Settings.Retention {
    /// An age, a size, or both.
    static var retention: ValueForm {
        let expected = "an age, a size, or both, as in `7d` or `30d,500GB`"
        return ValueForm(expected: expected) { text throws(InvalidValue) in
            var retention = Settings.Retention()
            for part in text.split(separator: ",") {
                let part = part.trimmingSpaces()
                if let age = DurationText.parse(part), retention.age == nil, age > .zero {
                    retention.age = age
                } else if let bytes = SizeText.parse(part), retention.bytes == nil, bytes > 0 {
                    retention.bytes = bytes
                } else {
                    throw InvalidValue("`\(text)` is not \(expected)", cure: "write it like `30d,500GB`")
                }
            }
            return retention
        } format: { retention in
            [retention.age.map(DurationText.format), retention.bytes.map(SizeText.format)].compactMap { $0 }
                .joined(separator: ",")
        }
    }
}
