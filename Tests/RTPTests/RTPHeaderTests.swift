import Primitives
import RTP
import TestSupport
import Testing

@Suite("RTP header, RFC 3550 §5.1")
struct RTPHeaderTests {
    /// Two CSRCs, an extension of one word, four bytes of payload and three of padding.
    static let fullPacket: [UInt8] = [
        0xB2, 0xE0,  // version 2, padding, extension, 2 CSRCs; marker, payload type 96
        0x12, 0x34,  // sequence number
        0xDE, 0xAD, 0xBE, 0xEF,  // timestamp
        0x01, 0x02, 0x03, 0x04,  // SSRC
        0, 0, 0, 7, 0, 0, 0, 8,  // CSRCs
        0xBE, 0xDE, 0x00, 0x01, 0x10, 0x41, 0x00, 0x00,  // one-byte form: id 1, "A"
        0xCA, 0xFE, 0xBA, 0xBE,  // payload
        0x00, 0x00, 0x03,  // padding
    ]

    @Test func `every field of a full packet is read`() throws {
        let header = try parseHeader(Self.fullPacket)
        #expect(header.payloadType == 96)
        #expect(header.marker)
        #expect(header.sequenceNumber == 0x1234)
        #expect(header.timestamp == 0xDEAD_BEEF)
        #expect(header.ssrc == 0x0102_0304)
        #expect(header.contributingSourceCount == 2)
        #expect(header.headerLength == 28)
        #expect(header.paddingLength == 3)
        #expect(header.extensionProfile == 0xBEDE)
        #expect(header.extensionRange == 24..<28)
        #expect(header.payloadRange == 28..<32)
    }

    @Test func `every truncation of the header throws`() {
        // Cut in the payload, a packet is merely shorter; its padding byte is then another one.
        for length in 0..<28 {
            #expect(throws: ParseError.self, "\(length) bytes") {
                _ = try parseHeader(Array(Self.fullPacket.prefix(length)))
            }
        }
    }

    @Test func `an extension that claims more words than there are is refused`() {
        var packet = Self.fullPacket
        packet[23] = 3
        #expect(throws: ParseError.truncated(needed: 12, available: 11, offset: 24)) {
            _ = try parseHeader(packet)
        }
    }

    @Test(arguments: [0, 8, 255] as [UInt8])
    func `padding of no byte or of more than the payload is refused`(padding: UInt8) {
        var packet = Self.fullPacket
        packet[packet.count - 1] = padding
        #expect(throws: ParseError.invalid(field: "RTP padding length")) { _ = try parseHeader(packet) }
    }

    @Test func `a packet of padding alone has an empty payload`() throws {
        var packet = Self.fullPacket
        packet[packet.count - 1] = 7
        let header = try parseHeader(packet)
        #expect(header.payloadRange.isEmpty)
        #expect(header.paddingLength == 7)
    }

    @Test func `padding of an encrypted packet is left alone`() throws {
        var packet = Self.fullPacket
        packet[packet.count - 1] = 255
        let header = try RTPHeader(parsing: packet.span, isEncrypted: true)
        #expect(header.paddingLength == 0)
        #expect(header.payloadRange == 28..<35)
    }

    @Test(arguments: [0, 1, 3] as [UInt8])
    func `a version other than 2 is refused`(version: UInt8) {
        var packet = Self.fullPacket
        packet[0] = version << 6 | packet[0] & 0x3F
        #expect(throws: ParseError.invalid(field: "RTP version")) { _ = try parseHeader(packet) }
    }

    @Test func `what is appended is what is parsed`() throws {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<200 {
            let payloadType = UInt8.random(in: 0...127, using: &generator)
            let marker = Bool.random(using: &generator)
            let sequenceNumber = UInt16.random(in: .min ... .max, using: &generator)
            let timestamp = UInt32.random(in: .min ... .max, using: &generator)
            let ssrc = UInt32.random(in: .min ... .max, using: &generator)
            var extensions: [RTPHeaderExtensions.Element] = []
            if Bool.random(using: &generator) { extensions = [.init(id: 3, value: [1, 2])] }
            var packet: [UInt8] = []
            RTPHeader.append(
                to: &packet,
                payloadType: payloadType,
                marker: marker,
                sequenceNumber: sequenceNumber,
                timestamp: timestamp,
                ssrc: ssrc,
                extensions: extensions
            )
            packet += [9, 9, 9]

            let header = try parseHeader(packet)
            #expect(header.payloadType == payloadType)
            #expect(header.marker == marker)
            #expect(header.sequenceNumber == sequenceNumber)
            #expect(header.timestamp == timestamp)
            #expect(header.ssrc == ssrc)
            #expect((header.extensionProfile == nil) == extensions.isEmpty)
            #expect(header.payloadRange == (packet.count - 3)..<packet.count)
        }
    }

    @Test func `random bytes never give ranges outside the packet`() {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<5_000 {
            var packet = (0..<Int.random(in: 0...64, using: &generator)).map { _ in
                UInt8.random(in: .min ... .max, using: &generator)
            }
            if !packet.isEmpty { packet[0] = 0x80 | packet[0] & 0x3F }
            guard let header = try? parseHeader(packet) else { continue }
            #expect(header.payloadRange.upperBound + header.paddingLength == packet.count)
            #expect(header.payloadRange.lowerBound == header.headerLength)
            RTPHeaderExtensions.forEach(header: header, in: packet.span) { _, range in
                if !header.extensionRange.contains(range.lowerBound) || range.upperBound > header.headerLength {
                    #expect(range.isEmpty)
                }
            }
        }
    }
}
