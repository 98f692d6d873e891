/// The least and the greatest time that viewers may hold pictures back before they show them.
package struct PlayoutRange: Sendable, Equatable, CustomStringConvertible {
    package var bounds: ClosedRange<Duration>

    /// Receivers have no room for more.
    private static let most = Duration.seconds(10)
    private static let cure = "write `auto`, or two durations up to 10s as in 200ms-800ms"

    package init(_ bounds: ClosedRange<Duration>) {
        self.bounds = bounds
    }

    /// Reads `MIN-MAX`, as in `200ms-800ms`.
    ///
    /// - Throws: ``InvalidValue`` unless both are durations of at most 10 s, the greater one last.
    init(parsing text: some StringProtocol) throws(InvalidValue) {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { $0.trimmingSpaces() }
        guard ends.count == 2, let minimum = DurationText.parse(ends[0]), let maximum = DurationText.parse(ends[1])
        else { throw InvalidValue("`\(text)` is not a range of durations", cure: Self.cure) }
        guard minimum <= maximum, maximum <= Self.most else {
            throw InvalidValue("`\(text)` is not a range from 0s to 10s", cure: Self.cure)
        }
        self.init(minimum...maximum)
    }

    /// What ``init(parsing:)`` reads back.
    package var description: String {
        "\(DurationText.format(bounds.lowerBound))-\(DurationText.format(bounds.upperBound))"
    }
}

/// The playout delay of the streams that a pattern fits.
package struct StreamPlayoutDelay: Sendable, Equatable {
    /// A stream name in which `*` stands for anything.
    package var pattern: String
    /// `nil` for what the gateway thinks best.
    package var range: PlayoutRange?

    package init(pattern: String, range: PlayoutRange?) {
        self.pattern = pattern
        self.range = range
    }

    /// Reads `PATTERN=MIN-MAX` or `PATTERN=auto`.
    init(parsing text: String) throws(InvalidValue) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw InvalidValue("`\(text)` names no stream", cure: "write STREAM=MIN-MAX, as in cam-*=200ms-800ms")
        }
        let pattern = try StreamNamePattern.check(parts[0])
        self.init(pattern: pattern, range: parts[1] == "auto" ? nil : try PlayoutRange(parsing: parts[1]))
    }

    /// What ``init(parsing:)`` reads back.
    var text: String { "\(pattern)=\(range?.description ?? "auto")" }
}
