import Primitives
import RTP
import TestSupport
import Testing

@Suite("RTCP compounds, RFC 3550 §6.1")
struct RTCPCompoundTests {
    /// One of each packet that we keep, with every kind of content.
    static let everyPacket: [RTCPPacket] = [
        .senderReport(
            SenderReport(
                ssrc: 1,
                ntpTime: NTPTime(rawValue: 0x0102_0304_0506_0708),
                rtpTimestamp: 9,
                packetCount: 10,
                octetCount: 11,
                reportBlocks: [ReportTests.block]
            )
        ),
        .receiverReport(ReceiverReport(ssrc: 2, reportBlocks: [ReportTests.block, ReportTests.block])),
        .receiverReport(ReceiverReport(ssrc: 3)),
        .sourceDescription(SourceDescription(ssrc: 4, canonicalName: "martlet")),
        .goodbye(Goodbye(sources: [5, 6], reason: "bye")),
        .goodbye(Goodbye(sources: [])),
        .pictureLossIndication(senderSSRC: 7, mediaSSRC: 8),
        .fullIntraRequest(FullIntraRequest(senderSSRC: 9, entries: [.init(ssrc: 10, sequenceNumber: 255)])),
        .genericNACK(GenericNACK(senderSSRC: 11, mediaSSRC: 12, lost: [65_535, 0, 15, 16, 400])),
        .transportFeedback(TransportFeedbackTests.mixed),
        .receiverEstimatedMaximumBitrate(
            ReceiverEstimatedMaximumBitrate(senderSSRC: 13, bitrate: 2_500_000, ssrcs: [14, 15])
        ),
    ]

    private static func bytes(_ packets: [RTCPPacket]) -> [UInt8] {
        var writer = ByteWriter()
        for packet in packets { packet.write(to: &writer) }
        return writer.bytes
    }

    @Test func `every packet survives a round trip, alone and together`() throws {
        for packet in Self.everyPacket {
            let bytes = Self.bytes([packet])
            #expect(bytes.count % 4 == 0)
            #expect(isRTCP(bytes))
            #expect(try parseCompound(bytes) == [packet])
        }
        let compound = Self.bytes(Self.everyPacket)
        #expect(try parseCompound(compound) == Self.everyPacket)
    }

    @Test func `every truncation of every packet throws`() {
        for packet in Self.everyPacket {
            let bytes = Self.bytes([packet])
            for length in 0..<bytes.count {
                #expect(throws: ParseError.self, "\(length) bytes of \(packet)") {
                    _ = try parseCompound(Array(bytes.prefix(length)))
                }
            }
        }
    }

    @Test func `a body cut short inside a truthful header throws or says less`() {
        for packet in Self.everyPacket {
            let bytes = Self.bytes([packet])
            // The body ends `words` words early, and the header says so.
            for words in 0..<(bytes.count / 4 - 1) {
                var cut = Array(bytes.prefix(4 + 4 * words))
                cut[0] &= ~0x20
                cut[2] = 0
                cut[3] = UInt8(words)
                guard let packets = try? parseCompound(cut) else { continue }
                // Fewer entries is no error where the body has no count of its own; another meaning would be.
                #expect(packets.count == 1)
                #expect(packets != [packet])
            }
        }
    }

    @Test func `a compound may have 64 packets and no more`() throws {
        let one = Self.bytes([.receiverReport(ReceiverReport(ssrc: 1))])
        let atLimit = Array(repeatElement(one, count: 64).joined())
        #expect(try parseCompound(atLimit).count == 64)
        #expect(throws: ParseError.limitExceeded(what: "RTCP packets")) {
            _ = try parseCompound(atLimit + one)
        }
    }

    @Test func `application packets, extended reports and unknown types are passed over`() throws {
        let application: [UInt8] = [0x81, 204, 0, 2, 0, 0, 0, 1, 0x41, 0x42, 0x43, 0x44]
        let extendedReport: [UInt8] = [0x80, 207, 0, 1, 0, 0, 0, 1]
        let unknownType: [UInt8] = [0x85, 210, 0, 0]
        let unknownTransportFormat: [UInt8] = [0x8B, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]
        let sliceLoss: [UInt8] = [0x82, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
        let applicationFeedback: [UInt8] = [0x8F, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0x58, 0x58, 0x58, 0x58]
        let loss = RTCPPacket.pictureLossIndication(senderSSRC: 1, mediaSSRC: 2)
        let compound =
            application + extendedReport + unknownType + unknownTransportFormat + sliceLoss + applicationFeedback
            + Self.bytes([loss])
        #expect(
            try parseCompound(compound) == [
                .applicationDefined, .extendedReport, .unknown(packetType: 210, format: 5),
                .unknown(packetType: 205, format: 11), .unknown(packetType: 206, format: 2),
                .unknown(packetType: 206, format: 15), loss,
            ]
        )
        #expect(Self.bytes([.applicationDefined, .extendedReport, .unknown(packetType: 210, format: 0)]).isEmpty)
    }

    @Test func `padding is taken off wherever it stands`() throws {
        let padded: [UInt8] = [0xA1, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4]
        let loss = RTCPPacket.pictureLossIndication(senderSSRC: 1, mediaSSRC: 2)
        #expect(try parseCompound(padded + padded) == [loss, loss])
    }

    @Test(arguments: [0, 13, 255] as [UInt8])
    func `padding of no byte or of more than the body is refused`(padding: UInt8) {
        let packet: [UInt8] = [0xA1, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, padding]
        #expect(throws: ParseError.invalid(field: "RTCP padding length")) {
            _ = try parseCompound(packet)
        }
    }

    @Test func `padding without a body is refused`() {
        #expect(throws: ParseError.invalid(field: "RTCP padding length")) {
            _ = try parseCompound([0xA0, 207, 0, 0])
        }
    }

    @Test func `another version in any packet refuses the whole`() {
        let good = Self.bytes([.receiverReport(ReceiverReport(ssrc: 1))])
        var bad = good
        bad[0] = 0x40
        #expect(throws: ParseError.invalid(field: "RTCP version")) {
            _ = try parseCompound(good + bad)
        }
    }

    @Test func `RTCP is told from RTP by its second byte`() {
        for type in UInt8.min...UInt8.max {
            #expect(isRTCP([0x80, type]) == (192...223).contains(type))
            #expect(!isRTCP([0x16, type]))
        }
        #expect(!isRTCP([0x80]))
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `mutated compounds never trap, and what parses can be written`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let original = Self.bytes(Self.everyPacket)
        for _ in 0..<2_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
            }
            if Bool.random(using: &generator) {
                bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
            }
            guard let packets = try? parseCompound(bytes) else { continue }
            for packet in packets {
                let written = Self.bytes([packet])
                if !written.isEmpty, (try? parseCompound(written)) != [packet] { Issue.record("\(packet)") }
            }
        }
    }
}
