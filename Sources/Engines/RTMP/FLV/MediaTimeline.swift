import Media
import Primitives

/// Maps the timestamps of a publisher, which may wrap, jump or go back, to media time that only goes on.
///
/// Both tracks share one mapping, so that they stay in step. When a timestamp cannot follow from what
/// came before, the mapping is moved so that media time goes on where it was; the old mapping is kept
/// beside it until the other track has made the same jump.
struct MediaTimeline: Sendable {
    struct Placement: Equatable {
        /// Milliseconds of media time, never negative.
        var milliseconds: Int64
        /// Whether the mapping had to be moved for this timestamp.
        var isDiscontinuity = false
    }

    /// How far ahead of real time a timestamp may lie before it counts as a jump, in milliseconds.
    static let greatestLead: Int64 = 3_000
    /// How far one track may lag behind the other.
    static let greatestLag: Int64 = 3_000
    /// How far a track may go back within itself and merely be held; rounding and encoder jitter do this.
    static let greatestStepBack: Int64 = 100

    private struct Track {
        var last: Int64?
        /// The last step forward that was taken for granted; used to go on after a jump.
        var step: Int64 = 0
    }

    private var unwrapper = TimestampUnwrapper()
    /// Media time minus timestamp: the mapping in force, and the one before it.
    private var offsets: [Int64] = []
    private var newest: Int64 = 0
    private var newestAt = Instant.zero
    private var audio = Track()
    private var video = Track()

    /// Media time of a message of `kind` with `timestamp`, in milliseconds, that arrived at `now`.
    mutating func place(_ timestamp: UInt32, kind: MediaKind, at now: Instant) -> Placement {
        var track = kind == .audio ? audio : video
        let unwrapped = unwrapper.unwrap(timestamp)
        if offsets.isEmpty {
            offsets = [-unwrapped]
            newestAt = now
        }
        let elapsed = max(0, (now - newestAt).nanoseconds / 1_000_000)
        var placement = Placement(milliseconds: 0)
        let expected = track.last.map { $0 + track.step } ?? newest
        let candidates = offsets.map { unwrapped &+ $0 }.filter { isPlausible($0, after: track.last, elapsed: elapsed) }
        if let nearest = candidates.min(by: { abs($0 - expected) < abs($1 - expected) }) {
            placement.milliseconds = nearest
        } else {
            let step = max(1, track.step, min(elapsed, Self.greatestLead))
            placement.milliseconds = max(newest, track.last.map { $0 + step } ?? 0)
            placement.isDiscontinuity = true
            offsets = [placement.milliseconds &- unwrapped, offsets[0]]
        }
        // Frames of a track never go back, whatever the rounding of the publisher.
        placement.milliseconds = max(0, placement.milliseconds, track.last ?? 0)
        if let last = track.last, !placement.isDiscontinuity { track.step = placement.milliseconds - last }
        track.last = placement.milliseconds
        if kind == .audio { audio = track } else { video = track }
        if placement.milliseconds >= newest {
            newest = placement.milliseconds
            newestAt = now
        }
        return placement
    }

    private func isPlausible(_ time: Int64, after last: Int64?, elapsed: Int64) -> Bool {
        time <= newest + elapsed + Self.greatestLead && time >= newest - Self.greatestLag
            && (last.map { time >= $0 - Self.greatestStepBack } ?? true)
    }
}
