import Primitives
import RTP
import TestSupport
import Testing

@Suite("Transport-wide feedback, draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1")
struct TransportFeedbackTests {
    /// Both widths of delta, losses, and a wrap.
    static let mixed = TransportFeedback(
        senderSSRC: 1,
        mediaSSRC: 2,
        baseSequenceNumber: 65_534,
        packetStatusCount: 30,
        referenceTime: -3,
        feedbackCount: 200,
        arrivals: [
            .init(sequenceNumber: 65_534, delta: 0), .init(sequenceNumber: 65_535, delta: 255),
            .init(sequenceNumber: 0, delta: 256), .init(sequenceNumber: 3, delta: -1),
            .init(sequenceNumber: 20, delta: .min), .init(sequenceNumber: 27, delta: .max),
        ]
    )

    /// A packet with this content after the feedback's fixed fields.
    private static func packet(base: UInt16 = 0, count: UInt16, _ content: [UInt8]) -> [UInt8] {
        let words = (16 + content.count + 3) / 4
        var packet: [UInt8] = [0x8F, 205, UInt8(words >> 8), UInt8(words & 0xFF), 0, 0, 0, 1, 0, 0, 0, 2]
        packet += [UInt8(base >> 8), UInt8(base & 0xFF), UInt8(count >> 8), UInt8(count & 0xFF), 0, 0, 5, 9]
        packet += content
        return packet + Array(repeating: 0, count: 4 + 4 * words - packet.count)
    }

    private static func parse(_ packet: [UInt8]) throws -> TransportFeedback {
        guard case .transportFeedback(let feedback) = try parseCompound(packet).first else {
            throw ParseError.invalid(field: "not transport feedback")
        }
        return feedback
    }

    @Test func `a run, a one-bit vector and a two-bit vector are read`() throws {
        // Two received, then the vector 0b10000000000001, then the symbols 2, 0, 1, 0, 0, 0, 2.
        let feedback = try Self.parse(
            Self.packet(
                base: 10,
                count: 23,
                [0x20, 0x02, 0xA0, 0x01, 0xE1, 0x02] + [1, 2, 3, 4] + [0xFF, 0xFE] + [5] + [0x01, 0x00]
            )
        )
        #expect(feedback.referenceTime == 5)
        #expect(feedback.feedbackCount == 9)
        #expect(feedback.arrivals.map(\.sequenceNumber) == [10, 11, 12, 25, 26, 28, 32])
        #expect(feedback.arrivals.map(\.delta) == [1, 2, 3, 4, -2, 5, 256])
    }

    @Test func `symbols behind the status count are ignored`() throws {
        let feedback = try Self.parse(Self.packet(count: 1, [0xBF, 0xFF, 7]))
        #expect(feedback.arrivals == [.init(sequenceNumber: 0, delta: 7)])
    }

    @Test func `the reserved symbol is refused, in a run and in a vector`() {
        for content in [[0x60, 0x01, 0, 0], [0xF0, 0x00, 0, 0]] as [[UInt8]] {
            #expect(throws: ParseError.invalid(field: "TWCC status symbol")) {
                _ = try Self.parse(Self.packet(count: 1, content))
            }
        }
    }

    @Test func `a run of nothing is refused`() {
        #expect(throws: ParseError.invalid(field: "TWCC run length")) {
            _ = try Self.parse(Self.packet(count: 1, [0x20, 0x00, 0, 0]))
        }
    }

    @Test func `a run of more received packets than bytes is refused before it takes memory`() {
        let runs = Array(repeatElement([0x3F, 0xFF] as [UInt8], count: 8).joined())
        #expect(throws: ParseError.self) { _ = try Self.parse(Self.packet(count: .max, runs)) }
    }

    @Test func `a long run of lost packets costs nothing`() throws {
        let runs = Array(repeatElement([0x1F, 0xFF] as [UInt8], count: 9).joined())
        let feedback = try Self.parse(Self.packet(count: .max, runs))
        #expect(feedback.packetStatusCount == .max)
        #expect(feedback.arrivals.isEmpty)
    }

    @Test func `missing deltas are refused`() {
        #expect(throws: ParseError.self) { _ = try Self.parse(Self.packet(count: 4, [0x20, 0x04])) }
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func `any pattern of loss and delay survives a round trip`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let base = UInt16.random(in: .min ... .max, using: &generator)
        let count = Int.random(in: 1...600, using: &generator)
        let received = Int.random(in: 0...100, using: &generator)
        let large = Int.random(in: 0...100, using: &generator)
        var feedback = TransportFeedback(
            senderSSRC: 1,
            mediaSSRC: 2,
            baseSequenceNumber: base,
            packetStatusCount: UInt16(count),
            referenceTime: Int32.random(in: -0x80_0000...0x7F_FFFF, using: &generator),
            feedbackCount: 3,
            arrivals: []
        )
        for offset in 0..<count where Int.random(in: 0..<100, using: &generator) < received {
            let isLarge = Int.random(in: 0..<100, using: &generator) < large
            let delta = isLarge ? Int16.random(in: .min ... .max, using: &generator) : 7
            feedback.arrivals.append(.init(sequenceNumber: base &+ UInt16(offset), delta: delta))
        }
        var writer = ByteWriter()
        RTCPPacket.transportFeedback(feedback).write(to: &writer)
        #expect(writer.count % 4 == 0)
        #expect(try Self.parse(writer.bytes) == feedback)
        // Chunks cost at most what two-bit vectors would.
        #expect(writer.count <= 20 + 2 * (count / 7 + 1) + 2 * feedback.arrivals.count + 3)
    }
}
