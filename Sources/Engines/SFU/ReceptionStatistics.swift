package import Primitives
package import RTP

/// Counts what arrives and what is lost of one inbound stream (RFC 3550 §6.4, appendices A.1, A.3 and A.8).
package struct ReceptionStatistics: Sendable {
    /// Counts since the beginning, which a restart of the stream does not set back.
    package struct Totals: Equatable, Sendable {
        /// Packets that came, duplicates included.
        package var packetsReceived: Int64 = 0
        /// Packets that should have come and have not; never negative.
        package var packetsLost: Int64 = 0
        /// Times that the sender began again with other sequence numbers.
        package var restarts: Int64 = 0

        package init(packetsReceived: Int64 = 0, packetsLost: Int64 = 0, restarts: Int64 = 0) {
            self.packetsReceived = packetsReceived
            self.packetsLost = packetsLost
            self.restarts = restarts
        }
    }

    /// A jump forward of more than this many packets is a restart or a stray packet, not loss (appendix A.1).
    package static let maximumDropout: Int64 = 3_000
    /// A packet this much older than the newest is a restart or a stray packet, not reordering (appendix A.1 has 100).
    ///
    /// Wider than there, because a retransmission may come a second late.
    package static let maximumMisorder: Int64 = 3_000
    /// Transit time that changes by more than this is a timestamp that jumped, not jitter.
    private static let longestTransitChange = Interval.seconds(5)

    private let clockRate: Int
    private var base: Int64?
    private var highest: Int64 = 0
    private var received: Int64 = 0
    /// What a packet after a jump must carry to prove that the sender began again.
    private var restartCandidate: Int64?
    private var expectedBefore: Int64 = 0
    private var receivedBefore: Int64 = 0
    private var earlier = Totals()

    private var firstArrival: Instant?
    private var lastTransit: Int64?
    /// Sixteen times the jitter, so that the filter's fractions survive.
    private var scaledJitter: Int64 = 0

    private var lastSenderReport: (compact: UInt32, arrival: Instant)?

    /// - Parameter clockRate: The RTP clock in Hz.
    package init(clockRate: Int) {
        self.clockRate = clockRate
    }

    /// Records one packet.
    ///
    /// - Parameters:
    ///   - sequence: The extended sequence number.
    ///   - timestamp: The RTP timestamp.
    ///   - now: When it arrived.
    /// - Complexity: O(1); never allocates.
    package mutating func receive(sequence: Int64, timestamp: UInt32, at now: Instant) {
        guard let base else {
            start(at: sequence)
            countTransit(timestamp: timestamp, at: now)
            return
        }
        let distance = sequence - highest
        if distance > Self.maximumDropout || distance < -Self.maximumMisorder {
            // "Two sequential packets: assume that the other side restarted" (appendix A.1); one alone may be a stray.
            guard sequence == restartCandidate else {
                restartCandidate = sequence + 1
                return
            }
            restart(at: sequence)
        } else {
            received += 1
            restartCandidate = nil
            highest = max(highest, sequence)
            // Packets from before the first that came were expected too.
            self.base = min(base, sequence)
        }
        countTransit(timestamp: timestamp, at: now)
    }

    /// Notes a sender report, which the next report block refers to.
    package mutating func receiveSenderReport(ntp: NTPTime, at now: Instant) {
        lastSenderReport = (ntp.compact, now)
    }

    /// Interarrival jitter, as its running average stands.
    package var jitter: Interval { Interval(ticks: scaledJitter >> 4, atRate: clockRate) }

    /// The highest extended sequence number so far; `nil` before the first packet.
    package var highestSequence: Int64? { base == nil ? nil : highest }

    package var totals: Totals {
        var totals = earlier
        totals.packetsReceived += received
        totals.packetsLost += max(0, expected - received)
        return totals
    }

    /// Makes the report block for the time since the last one.
    ///
    /// - Parameters:
    ///   - ssrc: The stream's SSRC, to put into the block.
    ///   - now: When the report is about to be sent.
    /// - Returns: A block of zeros before the first packet.
    package mutating func report(ssrc: UInt32, at now: Instant) -> ReportBlock {
        let expectedSince = expected - expectedBefore
        let lostSince = expectedSince - (received - receivedBefore)
        expectedBefore = expected
        receivedBefore = received
        // "If the loss is negative due to duplicates, the fraction lost is set to zero" (§6.4.1).
        let fraction = expectedSince > 0 && lostSince > 0 ? min(255, (lostSince << 8) / expectedSince) : 0

        var block = ReportBlock(ssrc: ssrc)
        block.fractionLost = UInt8(truncatingIfNeeded: fraction)
        block.cumulativeLost = Int32(min(max(expected - received, -0x80_0000), 0x7F_FFFF))
        block.extendedHighestSequenceNumber = UInt32(truncatingIfNeeded: highest)
        block.jitter = UInt32(truncatingIfNeeded: scaledJitter >> 4)
        if let lastSenderReport {
            block.lastSenderReport = lastSenderReport.compact
            let delay = max(0, now.since(lastSenderReport.arrival).nanoseconds)
            // Beyond 18 hours the field wraps, and nobody asks any more.
            block.delaySinceLastSenderReport = UInt32(
                clamping: Interval(nanoseconds: delay).ticks(atRate: 65_536)
            )
        }
        return block
    }

    private var expected: Int64 {
        guard let base else { return 0 }
        return highest - base + 1
    }

    private mutating func start(at sequence: Int64) {
        base = sequence
        highest = sequence
        received = 1
        restartCandidate = nil
    }

    private mutating func restart(at sequence: Int64) {
        earlier = totals
        earlier.restarts += 1
        expectedBefore = 0
        receivedBefore = 0
        lastTransit = nil
        // Its forerunner, which came without being counted, is the first of the new run.
        start(at: sequence - 1)
        received = 2
        highest = sequence
    }

    /// Appendix A.8, with arrival times in ticks since the first packet.
    private mutating func countTransit(timestamp: UInt32, at now: Instant) {
        let origin = firstArrival ?? now
        firstArrival = origin
        let arrival = now.since(origin).ticks(atRate: clockRate)
        // Only differences count, and those modulo 2^32.
        let transit = arrival &- Int64(timestamp)
        defer { lastTransit = transit }
        guard let lastTransit else { return }
        let change = abs(Int64(Int32(truncatingIfNeeded: transit &- lastTransit)))
        guard change <= Self.longestTransitChange.ticks(atRate: clockRate) else { return }
        scaledJitter += change - ((scaledJitter + 8) >> 4)
    }
}
