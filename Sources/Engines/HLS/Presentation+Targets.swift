import Primitives

/// How long segments and parts may be.
extension Presentation {
    /// Seconds after which the next key frame ends a segment: a little less than configured, because clocks jitter.
    var shortestSegment: Double { configuration.segmentDuration.seconds * 0.9 }

    /// Seconds of a segment after which it ends even without a key frame.
    ///
    /// The duration in a playlist must not exceed the target duration after rounding (RFC 8216bis §4.4.3.1); the sound may
    /// last a frame longer than the picture.
    var longestSegment: Double {
        if let targetDuration { return Double(targetDuration) + 0.4 }
        return configuration.segmentDuration.seconds * PresentationConfiguration.longestSegment
    }

    /// Seconds between two frames beyond which time begins anew.
    var longestPause: Double { targetDuration == nil ? max(2, partTarget) : partTarget }

    /// The first segment is one part, from which the part target follows.
    var settledPartTarget: Double? { targetDuration == nil ? nil : partTarget }

    /// Settles both targets, for good, when the first segment is complete.
    ///
    /// Parts consist of whole frames, and all but the last of a segment must last at least 85 % of the part target
    /// (RFC 8216bis §4.4.4.9). Frames of up to 15 % of it always fit; for longer ones the target is a multiple of them.
    mutating func settleTargets(firstSegment seconds: Double) {
        let configured = configuration.segmentDuration.seconds
        targetDuration = max(1, Int(configured.rounded(.up)), Int(seconds.rounded()))
        let part = configuration.partDuration.seconds
        guard longestFrame > 0.15 * part else { return }
        let count = max(1, (part / longestFrame).rounded())
        // Some room for timestamps that jitter by a millisecond or two.
        partTarget = (count * longestFrame * 1.01 * 1_000).rounded(.up) / 1_000
    }
}
