import Primitives

/// What is kept of a rendition, and for how long.
extension Rendition {
    /// Lists only the last `window` seconds, and forgets what nobody can ask for any more.
    ///
    /// A segment that is no longer listed is served for its own duration and that of the playlist (RFC 8216bis §6.2.2).
    mutating func trim(window: Double, at now: Instant) {
        var listed = segments.reduce(0) { $0 + $1.duration }
        while let first = segments.first, listed - first.duration >= window, segments.count > 3 {
            retire(at: now, listed: listed)
            listed -= first.duration
        }
        retired.removeAll { ($0.expires ?? now) <= now }
        forgetMaps()
    }

    /// Forgets the oldest media until at most `bytes` remain; the newest segment stays.
    mutating func trim(toBytes bytes: Int, at now: Instant) {
        var total = byteCount
        while total > bytes, !retired.isEmpty { total -= retired.removeFirst().byteCount }
        while total > bytes, segments.count > 1 {
            total -= segments[0].byteCount
            retire(at: now, listed: 0)
            retired.removeLast()
        }
        forgetMaps()
    }

    private mutating func retire(at now: Instant, listed: Double) {
        var segment = segments.removeFirst()
        if segment.beginsDiscontinuity { removedDiscontinuities += 1 }
        segment.expires = now + Interval(seconds: segment.duration + listed)
        retired.append(segment)
    }

    private mutating func forgetMaps() {
        let oldest = (retired.first ?? segments.first ?? current).mapNumber
        maps.removeAll { $0.number < oldest }
    }
}
