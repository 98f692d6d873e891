import Primitives
import RTP
import SFU
import TestSupport
import Testing

@Suite("Transport feedback generator")
struct TransportFeedbackGeneratorTests {
    private static let starts: [UInt16] = [0, 1, 127, 32_767, 32_768, 65_436, 65_500, 65_534, 65_535]

    private static func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

    /// What a sender reads out of feedback: arrival times in units of 250 us, by sequence number.
    private static func arrivals(in feedback: TransportFeedback) -> [(sequenceNumber: UInt16, time: Int64)] {
        var time = Int64(feedback.referenceTime) * 256
        return feedback.arrivals.map { arrival in
            time += Int64(arrival.delta)
            return (arrival.sequenceNumber, time)
        }
    }

    private static func take(
        from generator: inout TransportFeedbackGenerator,
        at now: Instant
    ) throws -> TransportFeedback {
        let feedback = generator.advance(to: now)
        return try #require(feedback)
    }

    private static func drain(_ generator: inout TransportFeedbackGenerator, at now: Instant) -> [TransportFeedback] {
        var all: [TransportFeedback] = []
        while let feedback = generator.advance(to: now) { all.append(feedback) }
        return all
    }

    private static func size(of feedback: TransportFeedback) -> Int {
        var writer = ByteWriter()
        RTCPPacket.transportFeedback(feedback).write(to: &writer)
        return writer.count
    }

    @Test(arguments: starts)
    func `packets are reported 100 ms after the first, with their losses`(start: UInt16) throws {
        var generator = TransportFeedbackGenerator(senderSSRC: 7)
        #expect(generator.deadline == nil)
        for offset in 0..<50 as Range<UInt16> where offset % 5 != 3 {
            generator.receive(sequenceNumber: start &+ offset, mediaSSRC: 9, at: Self.at(Int64(offset)))
        }
        #expect(generator.deadline == Self.at(100))
        let early = generator.advance(to: Self.at(99))
        #expect(early == nil)
        let feedback = try Self.take(from: &generator, at: Self.at(100))
        #expect(feedback.senderSSRC == 7)
        #expect(feedback.mediaSSRC == 9)
        #expect(feedback.baseSequenceNumber == start)
        #expect(feedback.packetStatusCount == 50)
        let arrivals = Self.arrivals(in: feedback)
        let expected = (0..<50 as Range<UInt16>).filter { $0 % 5 != 3 }
        #expect(arrivals.map(\.sequenceNumber) == expected.map { start &+ $0 })
        #expect(arrivals.map(\.time) == expected.map { Int64($0) * 4 })
        #expect(generator.deadline == nil)
    }

    @Test(arguments: starts)
    func `each feedback starts behind the one before, so that losses between them show`(start: UInt16) throws {
        var generator = TransportFeedbackGenerator(senderSSRC: 7)
        generator.receive(sequenceNumber: start, mediaSSRC: 9, at: .zero)
        let first = try Self.take(from: &generator, at: Self.at(100))
        generator.receive(sequenceNumber: start &+ 4, mediaSSRC: 9, at: Self.at(150))
        let second = try Self.take(from: &generator, at: Self.at(250))
        #expect(first.feedbackCount == 0)
        #expect(second.feedbackCount == 1)
        #expect(second.baseSequenceNumber == start &+ 1)
        #expect(second.packetStatusCount == 4)
        #expect(second.arrivals.map(\.sequenceNumber) == [start &+ 4])
    }

    @Test(arguments: starts)
    func `a packet that comes after a later one was reported is reported with it once more`(start: UInt16) throws {
        var generator = TransportFeedbackGenerator(senderSSRC: 7)
        generator.receive(sequenceNumber: start, mediaSSRC: 9, at: .zero)
        generator.receive(sequenceNumber: start &+ 2, mediaSSRC: 9, at: Self.at(1))
        _ = try Self.take(from: &generator, at: Self.at(100))
        generator.receive(sequenceNumber: start &+ 1, mediaSSRC: 9, at: Self.at(110))
        let feedback = try Self.take(from: &generator, at: Self.at(210))
        #expect(feedback.baseSequenceNumber == start &+ 1)
        #expect(Self.arrivals(in: feedback).map(\.sequenceNumber) == [start &+ 1, start &+ 2])
        #expect(Self.arrivals(in: feedback).map(\.time) == [440, 4])
    }

    @Test func `a duplicate keeps the first arrival and asks for no feedback`() throws {
        var generator = TransportFeedbackGenerator(senderSSRC: 7)
        generator.receive(sequenceNumber: 1, mediaSSRC: 9, at: .zero)
        generator.receive(sequenceNumber: 1, mediaSSRC: 9, at: Self.at(50))
        let feedback = try Self.take(from: &generator, at: Self.at(100))
        #expect(feedback.arrivals.map(\.delta) == [0])
        generator.receive(sequenceNumber: 1, mediaSSRC: 9, at: Self.at(120))
        #expect(generator.deadline == nil)
    }

    @Test func `a burst is reported at once, in feedback that fits a datagram`() {
        var generator = TransportFeedbackGenerator(senderSSRC: 7)
        for number in 0..<1_000 as Range<UInt16> {
            // Every fourth packet arrives, a second after the one before: the widest deltas and the worst chunks.
            generator.receive(sequenceNumber: number &* 3, mediaSSRC: 9, at: Self.at(Int64(number) * 1_000))
        }
        let now = Self.at(999_000)
        #expect(generator.deadline.map { $0 <= now } == true)
        let all = Self.drain(&generator, at: now)
        #expect(all.flatMap(\.arrivals).count == 1_000)
        for feedback in all { #expect(Self.size(of: feedback) <= 1_200) }
        #expect(generator.deadline == nil)
    }

    @Test func `a jump of the counter is no loss`() throws {
        var generator = TransportFeedbackGenerator(senderSSRC: 7)
        generator.receive(sequenceNumber: 0, mediaSSRC: 9, at: .zero)
        _ = generator.advance(to: Self.at(100))
        generator.receive(sequenceNumber: 20_000, mediaSSRC: 9, at: Self.at(150))
        let feedback = try Self.take(from: &generator, at: Self.at(250))
        #expect(feedback.baseSequenceNumber == 20_000)
        #expect(feedback.packetStatusCount == 1)
    }

    @Test func `a jump inside one interval begins another feedback`() {
        var generator = TransportFeedbackGenerator(senderSSRC: 7)
        generator.receive(sequenceNumber: 0, mediaSSRC: 9, at: .zero)
        generator.receive(sequenceNumber: 5_000, mediaSSRC: 9, at: Self.at(1))
        let all = Self.drain(&generator, at: Self.at(100))
        #expect(all.map(\.baseSequenceNumber) == [0, 5_000])
        #expect(all.map(\.packetStatusCount) == [1, 1])
    }

    @Test func `packets too far apart in time for a delta come in feedback of their own`() {
        var generator = TransportFeedbackGenerator(senderSSRC: 7)
        generator.receive(sequenceNumber: 0, mediaSSRC: 9, at: .zero)
        generator.receive(sequenceNumber: 1, mediaSSRC: 9, at: Self.at(60_000))
        let all = Self.drain(&generator, at: Self.at(60_100))
        #expect(all.map { Self.arrivals(in: $0).map(\.time) } == [[0], [240_000]])
    }

    @Test func `a packet very far back is passed over`() {
        var generator = TransportFeedbackGenerator(senderSSRC: 7)
        generator.receive(sequenceNumber: 10_000, mediaSSRC: 9, at: .zero)
        _ = generator.advance(to: Self.at(100))
        generator.receive(sequenceNumber: 9_000, mediaSSRC: 9, at: Self.at(110))
        #expect(generator.deadline == nil)
    }

    @Test func `the history is bounded when nobody takes feedback`() {
        var generator = TransportFeedbackGenerator(senderSSRC: 7)
        for number in 0..<100_000 {
            generator.receive(
                sequenceNumber: UInt16(truncatingIfNeeded: number),
                mediaSSRC: 9,
                at: Self.at(Int64(number))
            )
        }
        let all = Self.drain(&generator, at: Self.at(200_000))
        #expect(all.flatMap(\.arrivals).count <= TransportFeedbackGenerator.historySize)
        #expect(all.last?.arrivals.last?.sequenceNumber == UInt16(truncatingIfNeeded: 99_999))
    }

    @Test func `the reference time wraps with its 24 bits`() throws {
        var generator = TransportFeedbackGenerator(senderSSRC: 7)
        let wrap = Instant.zero + TransportFeedback.referenceTimeUnit * Double(1 << 23)
        generator.receive(sequenceNumber: 0, mediaSSRC: 9, at: wrap)
        let feedback = try Self.take(from: &generator, at: wrap + .milliseconds(100))
        #expect(feedback.referenceTime == -0x80_0000)
        var writer = ByteWriter()
        RTCPPacket.transportFeedback(feedback).write(to: &writer)
        #expect(try RTCPPacket.parseCompound(writer.bytes.span) == [.transportFeedback(feedback)])
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `a sender that reads all feedback learns every arrival to 250 us`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var generator = TransportFeedbackGenerator(senderSSRC: 7)
        let start = UInt16.random(in: .min ... .max, using: &random)
        var packets: [(number: UInt16, arrival: Instant)] = []
        for index in 0..<5_000 as Range<Int64> where Int.random(in: 0..<20, using: &random) != 0 {
            let jitter = Interval.microseconds(Int64.random(in: 0..<20_000, using: &random))
            packets.append((start &+ UInt16(truncatingIfNeeded: index), Self.at(index) + jitter))
        }
        packets.sort { $0.arrival < $1.arrival }
        var learnt: [UInt16: Int64] = [:]
        func learn(until now: Instant) {
            while let deadline = generator.deadline, deadline <= now {
                guard let feedback = generator.advance(to: deadline) else { break }
                for arrival in Self.arrivals(in: feedback) { learnt[arrival.sequenceNumber] = arrival.time }
            }
        }
        for packet in packets {
            learn(until: packet.arrival)
            generator.receive(sequenceNumber: packet.number, mediaSSRC: 9, at: packet.arrival)
        }
        learn(until: Self.at(10_000))
        #expect(learnt.count == packets.count)
        #expect(packets.allSatisfy { learnt[$0.number] == $0.arrival.nanoseconds / 250_000 })
    }
}
