package import Primitives
package import RTP

/// Tells a publisher when each of its packets arrived, for its bandwidth estimation
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
///
/// A feedback starts right after the last packet reported on, so a lost feedback costs the sender those reports but
/// shifts nothing. A packet that comes after a later one was reported makes the next feedback go back to it, with the
/// arrivals in between repeated from a short history: else reordering would look like loss.
package struct TransportFeedbackGenerator: Sendable {
    /// Arrivals in one feedback: with two bytes each and the worst chunks it stays below 1,200 bytes.
    package static let maximumArrivals = 300
    /// Consecutive sequence numbers in one feedback; a longer gap is left out, for it is a jump and not loss.
    package static let maximumRange: Int64 = 1_024
    /// Arrivals kept, reported or not.
    package static let historySize = 2_048
    /// How far back the next feedback may go for a late packet.
    private static let maximumLateness: Int64 = 256
    private static let historyAge = Interval.milliseconds(500)

    private struct Record {
        var sequence: Int64
        var arrival: Instant
    }

    private let senderSSRC: UInt32
    private let interval: Interval
    private var unwrapper = SequenceUnwrapper()
    private var mediaSSRC: UInt32 = 0
    /// In ascending order of sequence number.
    private var history: [Record] = []
    /// Where the next feedback starts; `nil` before the first packet.
    private var nextSequence: Int64?
    private var firstPendingAt: Instant?
    private var pendingCount = 0
    private var feedbackCount: UInt8 = 0

    /// Makes a generator that has seen no packet.
    ///
    /// - Parameters:
    ///   - senderSSRC: Our SSRC as the sender of RTCP.
    ///   - interval: Time from the first packet not reported on to the feedback.
    package init(senderSSRC: UInt32, interval: Interval = .milliseconds(100)) {
        self.senderSSRC = senderSSRC
        self.interval = interval
    }

    /// When ``advance(to:)`` next has a feedback; `nil` while there is nothing to report.
    package var deadline: Instant? {
        guard let firstPendingAt else { return nil }
        return pendingCount >= Self.maximumArrivals ? firstPendingAt : firstPendingAt + interval
    }

    /// Records the arrival of a packet of any stream of the transport.
    ///
    /// - Parameters:
    ///   - sequenceNumber: The transport-wide sequence number from the header extension.
    ///   - mediaSSRC: The packet's SSRC.
    ///   - now: When it arrived.
    package mutating func receive(sequenceNumber: UInt16, mediaSSRC: UInt32, at now: Instant) {
        self.mediaSSRC = mediaSSRC
        let sequence = unwrapper.unwrap(sequenceNumber)
        let expected = nextSequence ?? sequence
        guard sequence > expected - Self.maximumLateness else { return }
        guard insert(Record(sequence: sequence, arrival: now)) else { return }
        nextSequence = min(expected, sequence)
        firstPendingAt = firstPendingAt ?? now
        pendingCount += 1
        if history.count > Self.historySize { history.removeFirst(history.count - Self.historySize / 2) }
    }

    /// Takes the feedback that is due.
    ///
    /// - Returns: `nil` before ``deadline``. Call again until then: a burst may need several.
    package mutating func advance(to now: Instant) -> TransportFeedback? {
        guard let deadline, now >= deadline, let nextSequence else { return nil }
        guard let start = history.firstIndex(where: { $0.sequence >= nextSequence }) else {
            settle(pendingFrom: nil)
            return nil
        }
        let first = history[start]
        let base = first.sequence - nextSequence < Self.maximumRange ? nextSequence : first.sequence
        let referenceTime = first.arrival.nanoseconds.flooredQuotient(TransportFeedback.referenceTimeUnit.nanoseconds)
        var feedback = TransportFeedback(
            senderSSRC: senderSSRC,
            mediaSSRC: mediaSSRC,
            baseSequenceNumber: UInt16(truncatingIfNeeded: base),
            packetStatusCount: 0,
            // 24 bits signed, which wrap after 12 days.
            referenceTime: (Int32(truncatingIfNeeded: referenceTime) << 8) >> 8,
            feedbackCount: feedbackCount,
            arrivals: []
        )

        // Deltas are taken between rounded times, so that rounding never adds up.
        let unit = TransportFeedback.deltaUnit.nanoseconds
        var previous = referenceTime * (TransportFeedback.referenceTimeUnit.nanoseconds / unit)
        var index = start
        while index < history.endIndex, feedback.arrivals.count < Self.maximumArrivals {
            let record = history[index]
            let time = record.arrival.nanoseconds.flooredQuotient(unit)
            guard record.sequence - base < Self.maximumRange, let delta = Int16(exactly: time - previous) else { break }
            previous = time
            feedback.arrivals.append(
                TransportFeedback.Arrival(
                    sequenceNumber: UInt16(truncatingIfNeeded: record.sequence),
                    delta: delta
                )
            )
            feedback.packetStatusCount = UInt16(truncatingIfNeeded: record.sequence - base + 1)
            self.nextSequence = record.sequence + 1
            index += 1
        }
        feedbackCount &+= 1
        settle(pendingFrom: index)
        let oldest = history[..<index].firstIndex { now.since($0.arrival) < Self.historyAge } ?? index
        history.removeFirst(oldest)
        return feedback
    }

    /// Notes what is left to report after a feedback: it is due at once.
    private mutating func settle(pendingFrom index: Int?) {
        let rest = index.map { history[$0...] } ?? []
        firstPendingAt = rest.isEmpty ? nil : rest.lazy.map(\.arrival).min()
        // What did not fit is as urgent as what filled the feedback.
        pendingCount = rest.isEmpty ? 0 : Self.maximumArrivals
    }

    /// - Returns: Whether the packet is new.
    private mutating func insert(_ record: Record) -> Bool {
        guard let last = history.last, record.sequence <= last.sequence else {
            history.append(record)
            return true
        }
        // Late packets are few and not far back: look from the end.
        var index = history.endIndex
        while index > 0, history[index - 1].sequence > record.sequence { index -= 1 }
        if index > 0, history[index - 1].sequence == record.sequence { return false }
        history.insert(record, at: index)
        return true
    }
}

extension Int64 {
    /// The quotient rounded towards negative infinity; `divisor` is positive.
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
