import M3U8

/// What all viewers of a run have seen together.
package struct LoadFigures: Sendable {
    /// Blocking reloads: from the first answer that had the part, to any viewer, to this one.
    ///
    /// Milliseconds.
    package var reloads = Percentiles()
    /// From asking for a part to having it.
    ///
    /// Milliseconds.
    package var parts = Percentiles()
    /// From a viewer's first request to its first part.
    ///
    /// Milliseconds.
    package var starts = Percentiles()
    /// How old the last moment of a part was when it had come whole, by the dates in the playlist.
    ///
    /// Seconds.
    package var ages = Percentiles()
    /// How much later than planned this program did something.
    ///
    /// Milliseconds.
    package var ownDelays = Percentiles()
    package var requests = 0
    package var bytes = 0
    package var holdBack = 0.0
    /// By cause, in words that do not name a viewer.
    package private(set) var errors: [String: Int] = [:]
    /// When the first viewer learned of a part; the newest few hundred.
    private var firstSeen: [HLSPlayback.PartNumber: Double] = [:]

    static let maximumCauses = 32
    static let maximumParts = 512

    package init() {}

    package mutating func fail(_ cause: String) {
        if errors.count < Self.maximumCauses || errors[cause] != nil { errors[cause, default: 0] += 1 }
    }

    /// What went wrong while viewers arrived counts as well.
    package mutating func keepErrors(of other: LoadFigures) {
        errors = other.errors
    }

    var knownParts: Int { firstSeen.count }

    package var errorCount: Int { errors.values.reduce(0, +) }

    /// Notes that a reload brought what it waited for.
    ///
    /// - Parameters:
    ///   - target: The part, of the rendition called `rendition`.
    ///   - rendition: Number of the rendition within the stream.
    ///   - askedAt: When it was asked for, in seconds of the run.
    ///   - now: When the answer was there.
    package mutating func reloaded(_ target: HLSPlayback.PartNumber, rendition: Int, askedAt: Double, at now: Double) {
        // Renditions have parts of the same numbers.
        var key = target
        key.part = key.part &* 16 &+ rendition
        guard let first = firstSeen[key] else {
            if firstSeen.count >= Self.maximumParts {
                let times = firstSeen.values.sorted()
                let middle = times[times.count / 2]
                firstSeen = firstSeen.filter { $0.value > middle }
            }
            firstSeen[key] = now
            reloads.add(0)
            return
        }
        // Who asks when the part is there already has not been kept waiting by the server.
        if askedAt < first { reloads.add((now - first) * 1000) }
    }
}
