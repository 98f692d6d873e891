import Primitives

/// A part of a segment: one fragment, which can be sent before the segment is complete (RFC 8216bis §4.4.4.9).
struct PresentationPart: Sendable {
    /// Seconds.
    var duration: Double
    /// Whether decoding can begin with it.
    var isIndependent: Bool
    var bytes: [UInt8]
}

/// A media segment: its parts, one behind the other.
struct PresentationSegment: Sendable {
    /// The media sequence number; the same media time has the same number in all renditions.
    var number: Int
    var epoch: UInt64
    /// The segment whose name the initialization segment bears that belongs to this one.
    var mapNumber: Int
    var mapEpoch: UInt64
    var beginsDiscontinuity: Bool
    /// Unix nanoseconds at which its first frame was captured.
    var captured: Int64?
    var parts: [PresentationPart] = []
    /// There is no media of this kind in its time.
    var isGap = false
    /// Seconds; of a gap, what the other renditions have.
    var duration = 0.0
    var frameCount = 0
    var byteCount = 0
    /// When it may be forgotten, once it is not listed any more.
    var expires: Instant?

    /// Whether decoding can begin with it.
    var isIndependent: Bool { isGap || (parts.first?.isIndependent ?? true) }

    init(number: Int, epoch: UInt64, mapNumber: Int, mapEpoch: UInt64, beginsDiscontinuity: Bool) {
        self.number = number
        self.epoch = epoch
        self.mapNumber = mapNumber
        self.mapEpoch = mapEpoch
        self.beginsDiscontinuity = beginsDiscontinuity
    }

    mutating func append(_ part: PresentationPart, frames: Int) {
        parts.append(part)
        duration += part.duration
        frameCount += frames
        byteCount += part.bytes.count
    }
}
