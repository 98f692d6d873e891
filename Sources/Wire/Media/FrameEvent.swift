/// What a reader of a stream's frames is told, in order: HLS, recording, snapshots and transcoders read frames this way.
///
/// A reader that comes late gets ``began(_:)``, what is known of the codecs, and the frames since the last key frame, as
/// if it had been there. Several publishers in turn are several epochs of one reading.
package enum FrameEvent: Sendable {
    /// A publisher has begun: media time counts anew, and nothing of the epoch before goes on.
    case began(PublishEpoch)
    /// How a track is encoded; before its first frame, and again when that changes.
    case configured(CodecConfiguration)
    /// The next frame of a track; in decoding order within the track, tracks interleaved as they came.
    case frame(EncodedFrame)
    /// The wall clock at media time 0 is known better now, in Unix nanoseconds.
    case clock(unixNanosecondsAtZero: Int64)
    /// The publisher has gone. Another may come within the stream's grace period.
    case ended
    /// The stream is over; nothing follows.
    case closed
}

/// One publisher's time on a stream.
package struct PublishEpoch: Hashable, Sendable {
    /// Milliseconds since 1970 at which the publisher began; higher than that of every epoch before it.
    ///
    /// Names what was published, also across restarts of the gateway.
    package var number: UInt64
    /// Unix nanoseconds at media time 0, as far as is known yet.
    package var unixNanosecondsAtZero: Int64
    /// The media that the publisher announced.
    package var kinds: Set<MediaKind>
    /// Bits per second that the publisher says it sends; `nil` where it says nothing, or is not the one who encodes.
    package var declaredBitrate: Int?

    package init(
        number: UInt64, unixNanosecondsAtZero: Int64, kinds: Set<MediaKind>, declaredBitrate: Int? = nil
    ) {
        self.declaredBitrate = declaredBitrate
        self.number = number
        self.unixNanosecondsAtZero = unixNanosecondsAtZero
        self.kinds = kinds
    }
}

/// Something that reads a stream's frames.
package protocol FrameReader: AnyObject, Sendable {
    /// Takes the next event; called in order and one at a time, on any thread. Must not wait.
    func receive(_ event: FrameEvent)
}
