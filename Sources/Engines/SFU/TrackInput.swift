package import Primitives

/// Makes one continuous track out of what publishers send one after the other.
///
/// Each source (an SSRC of a session) numbers its packets and its media clock from an arbitrary
/// start. `TrackInput` maps them onto one sequence and one clock that go on when the encoder is
/// restarted, another publisher takes over or timestamps jump. Whatever is behind it (log, forwarders,
/// viewers) sees a single source that never restarts, and can keep constant offsets.
///
/// A video source is let in from its first key frame on.
package struct TrackInput: Sendable {
    /// A packet's place on the continuous track.
    package struct Position: Equatable, Sendable {
        package var sequence: Int64
        package var timestamp: Int64
    }

    /// A sequence jump beyond this is a new source that kept its SSRC (RFC 3550 appendix A.1, MAX_DROPOUT).
    package static let maximumDropout: Int64 = 3000
    /// A clock that departs from arrival times by more than this has jumped.
    package static let maximumClockJump = Interval.seconds(5)

    private struct Source {
        var sequences = SequenceUnwrapper()
        var timestamps = TimestampUnwrapper()
        var firstSequence: Int64 = 0
        var sequenceOffset: Int64 = 0
        var timestampOffset: Int64 = 0
    }

    private let clockRate: Int
    private let waitsForKeyFrame: Bool
    private var source: Source?
    /// Timestamps of the current publisher that could not follow from those before.
    package private(set) var clockJumps = 0
    private var last: (position: Position, arrival: Instant)?

    /// An input without a source; with `waitsForKeyFrame`, as for video, a source is let in at its first key frame.
    package init(clockRate: Int, waitsForKeyFrame: Bool) {
        self.clockRate = clockRate
        self.waitsForKeyFrame = waitsForKeyFrame
    }

    /// Whether the current source has been let in.
    package var isOpen: Bool { source != nil }

    /// Ends the current source; the next packet begins a new one right behind it.
    package mutating func endSource() {
        source = nil
        clockJumps = 0
    }

    /// Places a packet of the current source.
    ///
    /// - Returns: `nil` for a packet that is not part of the track: before the first key frame, or older than the
    ///   source's first packet.
    package mutating func place(
        sequenceNumber: UInt16,
        timestamp: UInt32,
        startsKeyFrame: Bool,
        at now: Instant
    ) -> Position? {
        if var current = source {
            let sequence = SequenceUnwrapper.extend(sequenceNumber, near: current.sequences.newest ?? 0)
            if let newest = current.sequences.newest, abs(sequence - newest) <= Self.maximumDropout {
                guard sequence >= current.firstSequence else { return nil }
                _ = current.sequences.unwrap(sequenceNumber)
                let position = Position(
                    sequence: sequence + current.sequenceOffset,
                    timestamp: anchored(current.timestamps.unwrap(timestamp), in: &current, at: now)
                )
                source = current
                remember(position, at: now)
                return position
            }
        }
        guard startsKeyFrame || !waitsForKeyFrame else {
            source = nil
            return nil
        }
        return begin(sequenceNumber: sequenceNumber, timestamp: timestamp, at: now)
    }

    /// The media time of a source timestamp, for sender reports; `nil` while no source is let in.
    package func mediaTime(of timestamp: UInt32) -> Int64? {
        guard var timestamps = source?.timestamps, let offset = source?.timestampOffset else { return nil }
        return timestamps.unwrap(timestamp) + offset
    }

    private mutating func begin(sequenceNumber: UInt16, timestamp: UInt32, at now: Instant) -> Position {
        var new = Source()
        new.firstSequence = new.sequences.unwrap(sequenceNumber)
        let mediaTime = new.timestamps.unwrap(timestamp)
        if let last {
            new.sequenceOffset = last.position.sequence + 1 - new.firstSequence
            new.timestampOffset = expectedTimestamp(at: now, after: last) - mediaTime
        }
        source = new
        let position = Position(
            sequence: new.firstSequence + new.sequenceOffset,
            timestamp: mediaTime + new.timestampOffset
        )
        remember(position, at: now)
        return position
    }

    /// Where the track's clock should stand by now, judged by arrival; at least one tick further than the last packet.
    private func expectedTimestamp(at now: Instant, after last: (position: Position, arrival: Instant)) -> Int64 {
        last.position.timestamp + max(now.since(last.arrival).ticks(atRate: clockRate), 1)
    }

    private mutating func anchored(_ timestamp: Int64, in source: inout Source, at now: Instant) -> Int64 {
        let mediaTime = timestamp + source.timestampOffset
        guard let last else { return mediaTime }
        let expected = expectedTimestamp(at: now, after: last)
        guard abs(mediaTime - expected) > Self.maximumClockJump.ticks(atRate: clockRate) else { return mediaTime }
        source.timestampOffset += expected - mediaTime
        clockJumps += 1
        return expected
    }

    private mutating func remember(_ position: Position, at now: Instant) {
        guard let last else {
            self.last = (position, now)
            return
        }
        if position.sequence > last.position.sequence {
            self.last = (
                Position(sequence: position.sequence, timestamp: max(position.timestamp, last.position.timestamp)), now
            )
        }
    }
}
