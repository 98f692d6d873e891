import Primitives
import RTP
import Testing

@Suite("RTCP reports, RFC 3550 §6.4 to §6.6")
struct ReportTests {
    static let block = ReportBlock(
        ssrc: 0xAABB_CCDD,
        fractionLost: 64,
        cumulativeLost: -5,
        extendedHighestSequenceNumber: 0x0001_FFFF,
        jitter: 90,
        lastSenderReport: 0x1234_5678,
        delaySinceLastSenderReport: 65_536
    )

    @Test func `a sender report lies on the wire as the RFC draws it`() {
        let report = SenderReport(
            ssrc: 0x0102_0304,
            ntpTime: NTPTime(rawValue: 0x1112_1314_1516_1718),
            rtpTimestamp: 0x2122_2324,
            packetCount: 0x3132_3334,
            octetCount: 0x4142_4344
        )
        var writer = ByteWriter()
        RTCPPacket.senderReport(report).write(to: &writer)
        #expect(
            writer.bytes == [
                0x80, 200, 0, 6, 1, 2, 3, 4, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24,
                0x31, 0x32, 0x33, 0x34, 0x41, 0x42, 0x43, 0x44,
            ]
        )
    }

    @Test(arguments: [0, -1, 1, 0x7F_FFFF, -0x80_0000] as [Int32])
    func `cumulative loss is 24 bits signed`(lost: Int32) throws {
        let block = ReportBlock(ssrc: 1, cumulativeLost: lost)
        var writer = ByteWriter()
        block.write(to: &writer)
        var reader = ByteReader(writer.bytes.span)
        #expect(try ReportBlock(parsing: &reader) == block)
    }

    @Test(arguments: [(Int32.max, 0x7F_FFFF), (.min, -0x80_0000)] as [(Int32, Int32)])
    func `cumulative loss beyond 24 bits is clamped`(lost: Int32, written: Int32) throws {
        var writer = ByteWriter()
        ReportBlock(ssrc: 1, cumulativeLost: lost).write(to: &writer)
        var reader = ByteReader(writer.bytes.span)
        #expect(try ReportBlock(parsing: &reader).cumulativeLost == written)
    }

    @Test func `more than 31 blocks go into further receiver reports`() throws {
        let blocks = (0..<70).map { ReportBlock(ssrc: $0) }
        var writer = ByteWriter()
        RTCPPacket.receiverReport(ReceiverReport(ssrc: 9, reportBlocks: blocks)).write(to: &writer)
        var counts: [Int] = []
        for packet in try parseCompound(writer.bytes) {
            guard case .receiverReport(let report) = packet else { continue }
            #expect(report.ssrc == 9)
            counts.append(report.reportBlocks.count)
        }
        #expect(counts == [31, 31, 8])

        let sender = SenderReport(
            ssrc: 9,
            ntpTime: NTPTime(rawValue: 1),
            rtpTimestamp: 2,
            packetCount: 3,
            octetCount: 4,
            reportBlocks: Array(blocks.prefix(32))
        )
        writer = ByteWriter()
        RTCPPacket.senderReport(sender).write(to: &writer)
        let packets = try parseCompound(writer.bytes)
        #expect(packets.count == 2)
        #expect(packets.last == .receiverReport(ReceiverReport(ssrc: 9, reportBlocks: [blocks[31]])))
    }

    @Test func `profile-specific extensions after the blocks are passed over`() throws {
        let bytes: [UInt8] = [0x80, 201, 0, 3, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8]
        #expect(try parseCompound(bytes) == [.receiverReport(ReceiverReport(ssrc: 1))])
    }

    @Test func `a block count beyond the packet is refused`() {
        let bytes: [UInt8] = [0x81, 201, 0, 1, 0, 0, 0, 1]
        #expect(throws: ParseError.self) { _ = try parseCompound(bytes) }
    }

    @Test func `the round trip is the RFC's own example`() throws {
        // Figure 2 of §6.4.1: A = 0xb710:8000, LSR = 0xb705:2000, DLSR = 5.25 s; the answer is 6.125 s.
        let block = ReportBlock(ssrc: 1, lastSenderReport: 0xB705_2000, delaySinceLastSenderReport: 0x0005_4000)
        let now = NTPTime(rawValue: 0xB44D_B710_8000_0000)
        #expect(block.roundTripTime(at: now) == .milliseconds(6_125))
    }

    @Test func `no round trip comes from a report without or against our clock`() {
        let now = NTPTime(rawValue: 0x0000_1000_0000_0000)
        #expect(ReportBlock(ssrc: 1).roundTripTime(at: now) == nil)
        // Held longer than it has been since we sent it.
        let held = ReportBlock(ssrc: 1, lastSenderReport: 0x0FFF_0000, delaySinceLastSenderReport: 0x0002_0000)
        #expect(held.roundTripTime(at: now) == nil)
        let ancient = ReportBlock(ssrc: 1, lastSenderReport: 0x0F00_0000)
        #expect(ancient.roundTripTime(at: now) == nil)
        // One unit of rounding is no reason.
        let rounded = ReportBlock(ssrc: 1, lastSenderReport: 0x1000_0001)
        #expect(rounded.roundTripTime(at: now) == .zero)
    }

    @Test func `the round trip survives the wrap of the compact clock`() {
        let block = ReportBlock(ssrc: 1, lastSenderReport: 0xFFFF_8000, delaySinceLastSenderReport: 0x4000)
        #expect(block.roundTripTime(at: NTPTime(rawValue: 0x0001_0000_0000_0000)) == .milliseconds(250))
    }

    @Test(arguments: 0...9)
    func `names of any length end with a zero and fill the word`(length: Int) throws {
        let name = String(repeating: "n", count: length)
        let description = SourceDescription(chunks: [
            .init(ssrc: 1, items: [.init(type: 1, text: name), .init(type: 6, text: "tool")]),
            .init(ssrc: 2, items: []),
        ])
        var writer = ByteWriter()
        RTCPPacket.sourceDescription(description).write(to: &writer)
        #expect(try parseCompound(writer.bytes) == [.sourceDescription(description)])
    }

    @Test func `a last chunk without its terminating zero is accepted`() throws {
        let bytes: [UInt8] = [0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, 0x61, 0x62]
        #expect(
            try parseCompound(bytes)
                == [.sourceDescription(SourceDescription(ssrc: 1, canonicalName: "ab"))]
        )
    }

    @Test func `an item longer than its packet is refused`() {
        let bytes: [UInt8] = [0x81, 202, 0, 2, 0, 0, 0, 1, 1, 3, 0x61, 0x62]
        #expect(throws: ParseError.self) { _ = try parseCompound(bytes) }
    }

    @Test func `names and reasons are cut at 255 bytes`() throws {
        let long = String(repeating: "x", count: 300)
        var writer = ByteWriter()
        RTCPPacket.sourceDescription(SourceDescription(ssrc: 1, canonicalName: long)).write(to: &writer)
        RTCPPacket.goodbye(Goodbye(sources: [1], reason: long)).write(to: &writer)
        let cut = String(repeating: "x", count: 255)
        #expect(
            try parseCompound(writer.bytes) == [
                .sourceDescription(SourceDescription(ssrc: 1, canonicalName: cut)),
                .goodbye(Goodbye(sources: [1], reason: cut)),
            ]
        )
    }
}
