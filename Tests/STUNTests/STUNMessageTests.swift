import Primitives
import STUN
import TestSupport
import Testing

@Suite("STUN messages, RFC 8489")
struct STUNMessageTests {
    private static let key = Array("a password of 22 bytes".utf8)
    private static let identifier = [UInt8](1...12)
    private static let ipv4 = TransportAddress(ipv4: 0xC633_6401, port: 8100)
    private static let ipv6 = TransportAddress(high: 0x2001_0DB8_0000_0001, low: 0x8000_0000_0000_0001, port: 65535)

    /// One message for every attribute, and one with all.
    private static var messages: [STUNMessage] {
        let attributes: [STUNAttribute] = [
            .mappedAddress(ipv4), .mappedAddress(ipv6), .xorMappedAddress(ipv4), .xorMappedAddress(ipv6),
            .username(Array("abcd:efgh".utf8)), .errorCode(.roleConflict),
            .errorCode(STUNErrorCode(code: 699, reason: "")), .unknownAttributes([0x7FFF, 0x0031, 3]),
            .lifetime(600), .xorPeerAddress(ipv4), .xorRelayedAddress(ipv6), .requestedTransport(17),
            .realm([1]), .nonce([1, 2, 3]), .software(Array("Martlet".utf8)), .priority(.max), .useCandidate,
            .iceControlled(0), .iceControlling(.max), .unknown(type: 0xC057, value: [0, 1, 2, 3, 4]),
            .unknown(type: 0x7001, value: []),
        ]
        return attributes.map { STUNMessage(class: .request, transactionID: identifier, attributes: [$0]) }
            + [STUNMessage(class: .indication, transactionID: identifier, attributes: attributes)]
    }

    @Test(arguments: [true, false], [true, false])
    func `what was written reads back`(integrity: Bool, fingerprint: Bool) throws {
        for message in Self.messages {
            let bytes = message.encoded(integrityKey: integrity ? Self.key : nil, fingerprint: fingerprint)
            let parsed = try parse(bytes)
            #expect(parsed.class == message.class)
            #expect(parsed.method == message.method)
            #expect(parsed.transactionID == message.transactionID)
            #expect(parsed.attributes == message.attributes)
            #expect(parsed.hasFingerprint == fingerprint)
            #expect(isAuthentic(bytes, key: Self.key) == integrity)
        }
    }

    @Test(arguments: [STUNMessage.Class.request, .indication, .success, .error])
    func `every class and method survives the split of the type field`(class: STUNMessage.Class) throws {
        for method in UInt16(0)...0xFFF {
            let message = STUNMessage(
                class: `class`,
                method: .init(rawValue: method),
                transactionID: Self.identifier
            )
            let parsed = try parse(message.encoded(fingerprint: false))
            #expect(parsed.class == `class` && parsed.method.rawValue == method)
        }
    }

    @Test func `every truncation throws`() {
        let encoded = Self.messages.map { $0.encoded(integrityKey: Self.key) }
        for bytes in encoded + [TestVectors.request, TestVectors.ipv4Response, TestVectors.longTermRequest] {
            for length in bytes.indices {
                #expect(throws: ParseError.self) { try parse(Array(bytes[..<length])) }
            }
        }
    }

    @Test func `a truncation whose length field was corrected as well never authenticates`() {
        let bytes = TestVectors.request
        for length in stride(from: 20, to: 100, by: 4) {
            var shorter = Array(bytes[..<length])
            shorter[3] = UInt8(length - 20)
            #expect(!isAuthentic(shorter, key: TestVectors.password))
        }
    }

    @Test func `a flipped bit throws, fails the integrity or changes nothing that is protected`() throws {
        for bytes in [TestVectors.request, TestVectors.ipv4Response, TestVectors.ipv6Response] {
            let original = try parse(bytes)
            for bit in 0..<bytes.count * 8 {
                var flipped = bytes
                flipped[bit / 8] ^= 1 << (bit % 8)
                guard let message = try? parse(flipped),
                    message.hasValidIntegrity(key: TestVectors.password, in: flipped.span)
                else { continue }
                // Only the header of FINGERPRINT, which follows MESSAGE-INTEGRITY, is protected by nothing.
                #expect(bit / 8 >= bytes.count - 8)
                #expect(message.attributes == original.attributes)
            }
        }
    }

    @Test func `without a fingerprint every flipped bit throws or fails the integrity`() {
        let bytes = TestVectors.longTermRequest
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << (bit % 8)
            #expect(!isAuthentic(flipped, key: TestVectors.longTermKey), "bit \(bit)")
        }
    }

    @Test func `random bytes behind a valid header never trap`() {
        var generator = SeededGenerator(seed: 8489)
        for _ in 0..<5_000 {
            var bytes = Array(TestVectors.request[..<20])
            let count = Int.random(in: 0...40, using: &generator) * 4
            bytes += (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) & 0x3F }
            bytes[3] = UInt8(count)
            _ = try? parse(bytes)
            _ = STUNPeek.localUsernameFragment(of: bytes.span)
        }
    }

    @Test func `what follows MESSAGE-INTEGRITY is left out`() throws {
        var bytes = STUNMessage(class: .request, transactionID: Self.identifier, attributes: [.priority(1)])
            .encoded(integrityKey: Self.key, fingerprint: false)
        bytes += [0x00, 0x25, 0x00, 0x00]
        bytes[3] += 4
        let message = try parse(bytes)
        #expect(message.attributes == [.priority(1)])
        #expect(isAuthentic(bytes, key: Self.key))
    }

    @Test func `nothing may follow FINGERPRINT`() {
        var bytes = STUNMessage(class: .request, transactionID: Self.identifier).encoded(fingerprint: false)
        bytes[3] = 12
        let checksum = crc32(bytes) ^ 0x5354_554E
        bytes += [0x80, 0x28, 0, 4] + (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (24 - 8 * $0)) }
        bytes += [0x00, 0x25, 0x00, 0x00]
        #expect(throws: ParseError.invalid(field: "STUN attribute after FINGERPRINT")) { try parse(bytes) }
    }

    @Test func `required attributes that nobody knows are listed once each`() throws {
        let attributes: [STUNAttribute] = [
            .unknown(type: 0x7001, value: []), .unknown(type: 0x8001, value: [1]), .unknown(type: 0x7002, value: []),
            .unknown(type: 0x7001, value: [2]),
        ]
        let message = STUNMessage(class: .request, transactionID: Self.identifier, attributes: attributes)
        #expect(try parse(message.encoded()).unknownRequiredTypes == [0x7001, 0x7002])
    }

    @Test func `more attributes than the limit throw`() throws {
        func encoded(_ count: Int) -> [UInt8] {
            let attributes = [STUNAttribute](repeating: .useCandidate, count: count)
            return STUNMessage(class: .request, transactionID: Self.identifier, attributes: attributes)
                .encoded(fingerprint: false)
        }
        #expect(try parse(encoded(STUNMessage.maximumAttributes)).attributes.count == STUNMessage.maximumAttributes)
        #expect(throws: ParseError.limitExceeded(what: "STUN attributes")) {
            try parse(encoded(STUNMessage.maximumAttributes + 1))
        }
    }

    @Test func `a username longer than ICE allows throws`() throws {
        func encoded(_ length: Int) -> [UInt8] {
            let username = STUNAttribute.username([UInt8](repeating: 0x61, count: length))
            return STUNMessage(class: .request, transactionID: Self.identifier, attributes: [username]).encoded()
        }
        #expect(throws: Never.self) { try parse(encoded(513)) }
        #expect(throws: ParseError.limitExceeded(what: "STUN USERNAME")) { try parse(encoded(514)) }
    }

    @Test(arguments: [
        ("a priority of three bytes", "00240003 01020300"),
        ("a priority of five bytes", "00240005 01020304 05000000"),
        ("USE-CANDIDATE with a value", "00250004 00000000"),
        ("a tie-breaker of four bytes", "802a0004 00000000"),
        ("an address of an unknown family", "00200008 0003a147 e112a643"),
        ("an IPv6 address of four bytes", "00200008 0002a147 e112a643"),
        ("an IPv4 address of sixteen bytes", "00200014 0001a147 e112a643 00000000 00000000 00000000"),
        ("an error of class 7", "00090004 00000700"),
        ("an error of class 2", "00090004 00000200"),
        ("an error number of 100", "00090004 00000464"),
        ("an error code of three bytes", "00090003 00000400"),
        ("half a type among UNKNOWN-ATTRIBUTES", "000a0003 00010000"),
        ("a MESSAGE-INTEGRITY of 16 bytes", "00080010 00000000 00000000 00000000 00000000"),
        ("a FINGERPRINT of 8 bytes", "80280008 00000000 00000000"),
        ("a wrong FINGERPRINT", "80280004 00000000"),
        ("a length beyond the end", "00060005 61626364"),
        ("a length far beyond the end", "0006ffff 61626364"),
    ])
    func `a malformed attribute throws`(what: String, dump: String) {
        let attribute = TestVectors.bytes(dump)
        let header = TestVectors.bytes("0001 00") + [UInt8(attribute.count)] + TestVectors.request[4..<20]
        #expect(throws: ParseError.self, "\(what)") { try parse(header + attribute) }
    }

    @Test(arguments: [
        ("the top bits set", "80010000 2112a442"), ("another cookie", "00010000 2112a443"),
        ("a length not divisible by four", "00010002 2112a442"), ("a length too great", "00010004 2112a442"),
    ])
    func `a malformed header throws`(what: String, dump: String) {
        let bytes = TestVectors.bytes(dump) + Self.identifier
        #expect(throws: ParseError.self, "\(what)") { try parse(bytes) }
        let isSTUN = STUNPeek.isSTUN(bytes.span)
        #expect(!isSTUN, "\(what)")
    }

    @Test func `bytes behind the message throw`() {
        #expect(throws: ParseError.self) { try parse(TestVectors.request + [0, 0, 0, 0]) }
    }

    /// ITU-T V.42, bit by bit.
    private func crc32(_ bytes: [UInt8]) -> UInt32 {
        var remainder: UInt32 = .max
        for byte in bytes {
            remainder ^= UInt32(byte)
            for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1) &* 0xEDB8_8320 }
        }
        return ~remainder
    }
}
