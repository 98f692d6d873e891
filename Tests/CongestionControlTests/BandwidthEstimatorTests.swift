import CongestionControl
import Primitives
import RTP
import TestSupport
import Testing

@Suite("Bandwidth estimator")
struct BandwidthEstimatorTests {
    private static func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

    private static func remb(_ bitrate: UInt64) -> ReceiverEstimatedMaximumBitrate {
        ReceiverEstimatedMaximumBitrate(senderSSRC: 1, bitrate: bitrate, ssrcs: [])
    }

    /// A second of packets of 1,000 bytes at 1 Mbit/s, without transport-wide numbers.
    private static func send(_ estimator: inout BandwidthEstimator, from start: Int64) {
        for step in 0..<125 as Range<Int64> { estimator.didSend(size: 1_000, at: at(start + step * 8)) }
        estimator.advance(to: at(start + 1_000))
    }

    private static func withoutNumbers() -> BandwidthEstimator {
        BandwidthEstimator(.init(sendsTransportSequenceNumbers: false))
    }

    // MARK: Receivers without transport-wide feedback

    @Test func `a viewer that reports nothing, or little loss, has no estimate`() {
        var estimator = Self.withoutNumbers()
        for second in 0..<20 as Range<Int64> {
            Self.send(&estimator, from: second * 1_000)
            let block = ReportBlock(
                ssrc: 1,
                cumulativeLost: Int32(second * 12),
                extendedHighestSequenceNumber: UInt32(second * 125)
            )
            estimator.receive(block, roundTrip: .milliseconds(40), at: Self.at(second * 1_000 + 1_000))
            let estimate = estimator.estimate
            #expect(estimate == nil)
            let limitedBy = estimator.state.limitedBy
            #expect(limitedBy == nil)
        }
        let roundTrip = estimator.state.roundTrip
        #expect(roundTrip == .milliseconds(40))
        let loss = estimator.state.loss
        #expect((0.09...0.1).contains(loss))
    }

    @Test func `once it reports more than 10% loss it has one, which goes up again and away when the loss ends`() throws
    {
        var estimator = Self.withoutNumbers()
        var lost: Int32 = 0
        var unlimitedAt: Int64?
        for second in 0..<60 as Range<Int64> {
            Self.send(&estimator, from: second * 1_000)
            lost += second < 10 ? 40 : 0
            let block = ReportBlock(
                ssrc: 1,
                cumulativeLost: lost,
                extendedHighestSequenceNumber: UInt32(second * 125)
            )
            estimator.receive(block, roundTrip: .milliseconds(40), at: Self.at(second * 1_000 + 1_000))
            if second == 9 {
                let estimate = estimator.estimate
                #expect(try #require(estimate) < .kilobits(700))
                let limitedBy = estimator.state.limitedBy
                #expect(limitedBy == .loss)
            }
            if second > 9, estimator.estimate == nil { unlimitedAt = unlimitedAt ?? second }
        }
        #expect((20...50).contains(try #require(unlimitedAt)))
    }

    @Test func `REMB is the estimate where there is nothing else, and the way back down is losses`() throws {
        var estimator = Self.withoutNumbers()
        estimator.receive(Self.remb(2_000_000), at: .zero)
        let estimate = estimator.estimate
        #expect(estimate == .megabits(2))
        let limitedBy = estimator.state.limitedBy
        #expect(limitedBy == .cap)
        estimator.receive(Self.remb(800_000), at: Self.at(100))
        let lowered = estimator.estimate
        #expect(lowered == .kilobits(800))
        for second in 0..<3 as Range<Int64> {
            Self.send(&estimator, from: second * 1_000)
            let block = ReportBlock(
                ssrc: 1,
                cumulativeLost: Int32(second * 50),
                extendedHighestSequenceNumber: UInt32(second * 125)
            )
            estimator.receive(block, roundTrip: nil, at: Self.at(second * 1_000 + 1_000))
        }
        let reduced = estimator.estimate
        #expect(try #require(reduced) < .kilobits(700))
        let reducedBy = estimator.state.limitedBy
        #expect(reducedBy == .loss)
    }

    @Test(arguments: [0, 1, UInt64.max])
    func `a REMB of any size leaves an estimate in range`(bitrate: UInt64) throws {
        var estimator = Self.withoutNumbers()
        estimator.receive(Self.remb(bitrate), at: .zero)
        let configuration = BandwidthEstimator.Configuration()
        let estimate = estimator.estimate
        #expect((configuration.minimum...configuration.maximum).contains(try #require(estimate)))
    }

    @Test func `REMB caps what transport-wide feedback says`() {
        let flow = Flow()
        flow.estimator.receive(Self.remb(500_000), at: .zero)
        Simulation(Link(.megabits(3)), flows: [flow]).run(for: .seconds(10))
        #expect(flow.estimate(5..<10) == .kilobits(500))
        let limitedBy = flow.estimator.state.limitedBy
        #expect(limitedBy == .cap)
    }

    // MARK: Transport-wide feedback

    /// Feedback about ten packets that came `delta` x 250 us apart.
    private static func feedback(from base: UInt16, referenceTime: Int32, delta: Int16) -> TransportFeedback {
        TransportFeedback(
            senderSSRC: 1,
            mediaSSRC: 2,
            baseSequenceNumber: base,
            packetStatusCount: 10,
            referenceTime: referenceTime,
            feedbackCount: 0,
            arrivals: (0..<10 as Range<UInt16>).map { .init(sequenceNumber: base &+ $0, delta: delta) }
        )
    }

    /// Sends ten packets of 1,250 bytes, 10 ms apart, and returns when the last one has left.
    private static func sendTen(_ estimator: inout BandwidthEstimator, from start: Instant) -> Instant {
        for step in 0..<10 as Range<Int64> {
            estimator.didSend(
                transportSequenceNumber: estimator.nextTransportSequenceNumber,
                size: 1_250,
                at: start + .milliseconds(step * 10)
            )
        }
        return start + .milliseconds(100)
    }

    @Test func `there is an estimate once a quarter of a second of packets has arrived, and not before`() {
        var estimator = BandwidthEstimator(.init(canPad: false))
        // About packets never sent: nothing.
        estimator.receive(Self.feedback(from: 0, referenceTime: 0, delta: 40), at: .zero)
        var now = Instant.zero
        for round in 0..<4 as Range<Int32> {
            let base = estimator.nextTransportSequenceNumber
            now = Self.sendTen(&estimator, from: now)
            // 100 ms are 25 in 16 units of 64 ms; the rest is in the first delta.
            var feedback = Self.feedback(from: base, referenceTime: round * 100 / 64, delta: 40)
            feedback.arrivals[0].delta = Int16(round * 400 - round * 100 / 64 * 256)
            estimator.receive(feedback, at: now)
            let isThere = estimator.estimate != nil
            #expect(isThere == (round >= 2))
        }
        // Nothing was ever overused, so what arrives is free: 1 Mbit/s.
        let estimate = estimator.estimate?.bitsPerSecond ?? 0
        #expect((0.9e6...1.6e6).contains(estimate))
        let roundTrip = estimator.state.roundTrip
        #expect(roundTrip == .milliseconds(10))
    }

    @Test func `feedback does nothing to an estimator whose packets have no numbers`() {
        var estimator = Self.withoutNumbers()
        estimator.didSend(transportSequenceNumber: 0, size: 1_000, at: .zero)
        estimator.receive(
            TransportFeedback(
                senderSSRC: 1,
                mediaSSRC: 2,
                baseSequenceNumber: 0,
                packetStatusCount: 1,
                referenceTime: 0,
                feedbackCount: 0,
                arrivals: [.init(sequenceNumber: 0, delta: 0)]
            ),
            at: .zero
        )
        let estimate = estimator.estimate
        #expect(estimate == nil)
    }

    @Test func `the next number is one more than the last, past the end too`() {
        var estimator = BandwidthEstimator(.init(), firstSequenceNumber: 65_534)
        for expected in [65_534, 65_535, 0, 1] as [UInt16] {
            let number = estimator.nextTransportSequenceNumber
            #expect(number == expected)
            estimator.didSend(transportSequenceNumber: expected, size: 1, at: .zero)
        }
    }

    @Test func `no padding is due where none can be sent`() {
        let flow = Flow(canPad: false)
        Simulation(Link(.megabits(3)), flows: [flow]).run(for: .seconds(20))
        #expect(flow.paddingBytes == 0)
        let isProbing = flow.estimator.isProbing
        #expect(!isProbing)
        #expect(flow.throughput(15..<20) > .kilobits(800))
    }

    // MARK: Lies

    /// Feedback that was mangled after the receiver wrote it.
    private static func lie(about feedback: TransportFeedback, using random: inout SeededGenerator) -> TransportFeedback
    {
        var lie = feedback
        switch Int.random(in: 0..<8, using: &random) {
        case 0: lie.referenceTime = Int32.random(in: -0x80_0000...0x7F_FFFF, using: &random)
        case 1: lie.baseSequenceNumber = UInt16.random(in: .min ... .max, using: &random)
        case 2: lie.packetStatusCount = .max
        case 3: lie.arrivals.shuffle(using: &random)
        case 4: lie.arrivals += lie.arrivals
        case 5:
            for index in lie.arrivals.indices {
                lie.arrivals[index].delta = Int16.random(in: .min ... .max, using: &random)
            }
        case 6:
            for index in lie.arrivals.indices {
                lie.arrivals[index].sequenceNumber = UInt16.random(in: .min ... .max, using: &random)
            }
        default:
            for index in lie.arrivals.indices { lie.arrivals[index].delta = 0 }
        }
        return lie
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `no feedback, however mangled, takes the figures out of their ranges`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var estimator = BandwidthEstimator(
            .init(), firstSequenceNumber: UInt16.random(in: .min ... .max, using: &random))
        estimator.wanted = .megabits(20)
        let configuration = BandwidthEstimator.Configuration()
        var now = Instant.zero
        for round in 0..<400 {
            let base = estimator.nextTransportSequenceNumber
            for _ in 0..<10 {
                estimator.didSend(
                    transportSequenceNumber: estimator.nextTransportSequenceNumber,
                    size: Int.random(in: -1...100_000, using: &random),
                    at: now
                )
                now = now + .milliseconds(Int64.random(in: 0...20, using: &random))
            }
            let honest = TransportFeedback(
                senderSSRC: 1,
                mediaSSRC: 2,
                baseSequenceNumber: base,
                packetStatusCount: 10,
                referenceTime: Int32(truncatingIfNeeded: now.nanoseconds / 64_000_000),
                feedbackCount: UInt8(truncatingIfNeeded: round),
                arrivals: (0..<10 as Range<UInt16>).map { .init(sequenceNumber: base &+ $0, delta: 40) }
            )
            estimator.receive(Self.lie(about: honest, using: &random), at: now)
            if round % 3 == 0 { estimator.receive(honest, at: now) }
            if round % 50 == 0 {
                estimator.receive(
                    ReportBlock(
                        ssrc: UInt32.random(in: 0...9, using: &random),
                        cumulativeLost: Int32.random(in: -0x80_0000...0x7F_FFFF, using: &random),
                        extendedHighestSequenceNumber: UInt32.random(in: .min ... .max, using: &random)
                    ),
                    roundTrip: Interval(nanoseconds: Int64.random(in: .min ... .max, using: &random)),
                    at: now
                )
            }
            estimator.advance(to: now)
            let due = estimator.paddingDue(at: now)
            #expect((0...200_000).contains(due))
            let state = estimator.state
            #expect((0...1).contains(state.loss))
            #expect(state.delayTrend.isFinite)
            if let estimate = state.estimate {
                #expect((configuration.minimum...configuration.maximum).contains(estimate))
            }
        }
        let estimate = estimator.estimate
        #expect(estimate != nil)
    }

    @Test func `a receiver whose clock is slow makes the estimate no larger than its clock is wrong`() throws {
        var estimator = BandwidthEstimator(.init(canPad: false))
        var now = Instant.zero
        for round in 0..<600 as Range<Int32> {
            let base = estimator.nextTransportSequenceNumber
            now = Self.sendTen(&estimator, from: now)
            estimator.receive(Self.feedback(from: base, referenceTime: round, delta: 0), at: now)
            estimator.advance(to: now)
        }
        // 1 Mbit/s looks like 1.56, of which one and a half times is believed.
        let estimate = estimator.estimate
        #expect(try #require(estimate) < .megabits(2.6))
    }

    @Test func `time that stands still or goes back is survived`() {
        var estimator = BandwidthEstimator(.init())
        for round in 0..<20 as Range<Int32> {
            for step in [0, 0, 5, 3, -100, 0, 1_000_000, -1_000_000] as [Int64] {
                let now = Self.at(step)
                let base = estimator.nextTransportSequenceNumber
                _ = Self.sendTen(&estimator, from: now)
                estimator.receive(Self.feedback(from: base, referenceTime: round, delta: 40), at: now)
                estimator.advance(to: now)
                let estimate = estimator.estimate ?? .zero
                #expect(estimate < .megabits(3))
            }
        }
    }
}
