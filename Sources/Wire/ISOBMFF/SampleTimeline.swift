package import Media
import Primitives

/// A sample with its place on the clock of its track.
package struct TimedSample: Hashable, Sendable {
    /// Ticks at which it is decoded.
    package var decodeTime: UInt64
    package var sample: MediaSample

    /// Ticks at which the next sample is decoded.
    package var end: UInt64 { decodeTime &+ UInt64(sample.duration) }

    package init(decodeTime: UInt64, sample: MediaSample) {
        self.decodeTime = decodeTime
        self.sample = sample
    }
}

/// Places the frames of a track on its clock, each ending where the next begins.
///
/// A sample's duration is known when the next frame is there, so samples come out one frame late. Frames of audio last
/// as long as they sound: timestamps that jitter (RTMP rounds them to milliseconds) or drift move the count slowly, and
/// only a hole of more than ``greatestJitter`` is bridged at once, by a longer duration of the sample before it.
package struct SampleTimeline: Sendable {
    /// How far the timestamps of audio may lie from the count before it is corrected, in seconds.
    static let idleDifference = 0.02
    /// Above this, audio timestamps that are late mean a hole, in seconds.
    package static let greatestJitter = 0.1

    private let track: MovieTrack
    private var pending: TimedSample?

    package init(track: MovieTrack) {
        self.track = track
    }

    /// Ticks at which the frame that waits for its successor is decoded; `nil` before the first.
    package var pendingDecodeTime: UInt64? { pending?.decodeTime }

    /// Takes the next frame of the track.
    ///
    /// - Parameter frame: Of the track's codec, in decoding order; times that go back count as one tick later.
    /// - Returns: The frame before it.
    package mutating func append(_ frame: EncodedFrame) -> TimedSample? {
        var time = track.ticks(atMicroseconds: frame.decodeTime)
        var duration = frameTicks(of: frame)
        var finished = pending
        if var previous = finished {
            let expected = previous.end
            time = track.kind == .audio ? place(time, expected: expected) : max(time, previous.decodeTime &+ 1)
            previous.sample.duration = UInt32(clamping: time &- previous.decodeTime)
            // Beyond 2^32 ticks, 13 hours of video, the next frame simply follows.
            time = previous.end
            if track.kind == .video { duration = previous.sample.duration }
            finished = previous
        }
        let shown = track.ticks(atMicroseconds: frame.presentationTime)
        let decoded = track.ticks(atMicroseconds: frame.decodeTime)
        let offset = track.kind == .audio ? 0 : Int64(truncatingIfNeeded: shown &- decoded)
        pending = TimedSample(
            decodeTime: time,
            sample: MediaSample(
                duration: duration, compositionOffset: Int32(clamping: offset),
                isKeyFrame: track.kind == .audio || frame.isKeyFrame, payload: frame.payload))
        return finished
    }

    /// Gives out the last frame, which lasts as long as the one before it; nothing follows.
    ///
    /// - Returns: The frame, or `nil` when there was none.
    package mutating func finish() -> TimedSample? {
        defer { pending = nil }
        return pending
    }

    /// Ticks of a frame by itself; for video a guess, until its successor is there.
    private func frameTicks(of frame: EncodedFrame) -> UInt32 {
        if let ticks = track.frameTicks { return ticks }
        guard track.codec == .opus else { return track.timescale / 30 }
        let microseconds = (try? OpusPacketHeader(parsing: frame.payload.span))?.duration ?? 20_000
        return UInt32(truncatingIfNeeded: microseconds * Int64(track.timescale) / 1_000_000)
    }

    /// Where an audio frame begins whose timestamp says `time` and whose predecessor ends at `expected`.
    private func place(_ time: UInt64, expected: UInt64) -> UInt64 {
        let error = Int64(truncatingIfNeeded: time &- expected)
        let second = Double(track.timescale)
        let difference = Double(error) / second
        if difference > Self.greatestJitter { return time }
        guard abs(difference) > Self.idleDifference, let previous = pending else { return expected }
        // A 256th of a frame is no click, and makes up for any clock; a 16th for what is far off.
        let share: UInt32 = difference < -Self.greatestJitter ? 16 : 256
        let step = UInt64(min(UInt32(clamping: abs(error)), max(1, previous.sample.duration / share)))
        return error > 0 ? expected &+ step : max(expected &- step, previous.decodeTime &+ 1)
    }
}
