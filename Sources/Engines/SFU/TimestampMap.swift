/// How a viewer's RTP timestamps follow from the track's media clock.
///
/// Live frames are shifted by a constant. The frames of a replayed group of pictures are old: their
/// timestamps are compressed so that the first one lies at the moment of joining and the last one,
/// when the viewer has caught up, on the live mapping. A receiver then sees frames arrive about when
/// their timestamps say, its jitter estimate stays small, and it plays the past as fast as it comes.
///
/// The map is a pure function of constants, so that a retransmission repeats the timestamp first sent.
package struct TimestampMap: Equatable, Sendable {
    /// Added to live media times.
    package private(set) var offset: Int64
    private var replayStart: Int64
    private var replayEnd: Int64
    private var outputStart: Int64

    /// A map without a replay.
    package init(offset: Int64) {
        self.offset = offset
        replayStart = .min
        replayEnd = .min
        outputStart = 0
    }

    /// A map that squeezes `start..<caughtUp` into `joined..<caughtUp`.
    ///
    /// `start` is the media time of the key frame, `joined` the newest one when the replay begins, `caughtUp` the one that
    /// will be newest when it has caught up.
    package init(offset: Int64, replayFrom start: Int64, joined: Int64, caughtUp: Int64) {
        precondition(start <= joined && joined < caughtUp, "a replay leads from the past to the future")
        self.offset = offset
        replayStart = start
        replayEnd = caughtUp
        outputStart = joined
    }

    /// The viewer's timestamp for a media time, before truncation to 32 bits.
    @inline(__always)
    package func map(_ mediaTime: Int64) -> Int64 {
        if mediaTime >= replayEnd { return mediaTime &+ offset }
        let elapsed = max(mediaTime - replayStart, 0)
        return outputStart + elapsed * (replayEnd - outputStart) / (replayEnd - replayStart) + offset
    }
}
