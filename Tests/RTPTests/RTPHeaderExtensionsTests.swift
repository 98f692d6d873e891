import Primitives
import RTP
import TestSupport
import Testing

@Suite("RTP header extensions, RFC 8285")
struct RTPHeaderExtensionsTests {
    /// A packet whose extension has this profile and content, padded with zeros to a whole word.
    private static func packet(profile: UInt16, _ content: [UInt8]) -> [UInt8] {
        let words = (content.count + 3) / 4
        var packet: [UInt8] = [0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
        packet += [UInt8(profile >> 8), UInt8(profile & 0xFF), UInt8(words >> 8), UInt8(words & 0xFF)]
        packet += content + Array(repeating: 0, count: words * 4 - content.count)
        return packet + [0xAA, 0xBB]
    }

    private static func elements(of packet: [UInt8]) throws -> [RTPHeaderExtensions.Element] {
        let header = try parseHeader(packet)
        var elements: [RTPHeaderExtensions.Element] = []
        RTPHeaderExtensions.forEach(header: header, in: packet.span) { id, range in
            elements.append(.init(id: id, value: Array(packet[range])))
        }
        return elements
    }

    @Test func `one-byte elements are found between padding`() throws {
        let packet = Self.packet(profile: 0xBEDE, [0x00, 0x10, 0x61, 0x00, 0x00, 0x31, 0x12, 0x34])
        #expect(try Self.elements(of: packet) == [.init(id: 1, value: [0x61]), .init(id: 3, value: [0x12, 0x34])])
        #expect(try firstExtension(id: 3, of: packet) == [0x12, 0x34])
        #expect(try firstExtension(id: 2, of: packet) == nil)
    }

    @Test(arguments: [0x1000, 0x1001, 0x100F] as [UInt16])
    func `two-byte elements are found with any application bits`(profile: UInt16) throws {
        let packet = Self.packet(profile: profile, [0x00, 0x11, 0x00, 0x0F, 0x03, 1, 2, 3])
        #expect(try Self.elements(of: packet) == [.init(id: 0x11, value: []), .init(id: 0x0F, value: [1, 2, 3])])
    }

    @Test func `identifier 15 ends the one-byte form`() throws {
        let packet = Self.packet(profile: 0xBEDE, [0x10, 1, 0xF0, 2, 0x20, 3])
        #expect(try Self.elements(of: packet) == [.init(id: 1, value: [1])])
    }

    @Test func `identifier 0 with a length is passed over with its data`() throws {
        let packet = Self.packet(profile: 0xBEDE, [0x01, 0x77, 0x77, 0x20, 3])
        #expect(try Self.elements(of: packet) == [.init(id: 2, value: [3])])
    }

    @Test func `an element longer than the extension ends the list and keeps what came before`() throws {
        let oneByte = Self.packet(profile: 0xBEDE, [0x10, 1, 0x2F, 9])
        #expect(try Self.elements(of: oneByte) == [.init(id: 1, value: [1])])
        let twoByte = Self.packet(profile: 0x1000, [1, 1, 1, 2, 200, 9, 9, 9])
        #expect(try Self.elements(of: twoByte) == [.init(id: 1, value: [1])])
        let cutHeader = Self.packet(profile: 0x1000, [1, 1, 7, 2])
        #expect(try Self.elements(of: cutHeader) == [.init(id: 1, value: [7])])
    }

    @Test func `an extension of another profile holds nothing for us`() throws {
        #expect(try Self.elements(of: Self.packet(profile: 0x5A5A, [0x10, 1, 0, 0])).isEmpty)
    }

    @Test func `a packet without extension has none`() throws {
        let packet: [UInt8] = [0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0x10, 1]
        #expect(try Self.elements(of: packet).isEmpty)
    }

    @Test func `elements survive a round trip in the form that fits them`() throws {
        let short: [RTPHeaderExtensions.Element] = [.init(id: 1, value: [7]), .init(id: 14, value: Array(0..<16))]
        let manyIdentifiers: [RTPHeaderExtensions.Element] = [.init(id: 15, value: [1]), .init(id: 200, value: [2])]
        let long: [RTPHeaderExtensions.Element] = [.init(id: 1, value: Array(0..<17)), .init(id: 2, value: [])]
        let cases: [([RTPHeaderExtensions.Element], UInt16)] = [
            (short, 0xBEDE), (manyIdentifiers, 0x1000), (long, 0x1000),
        ]
        for (elements, profile) in cases {
            var packet: [UInt8] = []
            RTPHeader.append(
                to: &packet,
                payloadType: 96,
                marker: false,
                sequenceNumber: 1,
                timestamp: 2,
                ssrc: 3,
                extensions: elements
            )
            #expect(packet.count % 4 == 0)
            #expect(try parseHeader(packet).extensionProfile == profile)
            #expect(try Self.elements(of: packet) == elements)
        }
    }

    @Test func `every extension has a URI of its own that finds it again`() {
        for uri in HeaderExtensionURI.allCases { #expect(HeaderExtensionURI(rawValue: uri.rawValue) == uri) }
        #expect(Set(HeaderExtensionURI.allCases.map(\.rawValue)).count == HeaderExtensionURI.allCases.count)
    }
}
