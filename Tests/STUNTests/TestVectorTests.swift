import Primitives
import STUN
import Testing

@Suite("Test vectors, RFC 5769")
struct TestVectorTests {
    @Test func `the sample request means what the specification says`() throws {
        let message = try parse(TestVectors.request)
        #expect(message.class == .request)
        #expect(message.method == .binding)
        #expect(message.transactionID == TestVectors.transactionID)
        #expect(
            message.attributes == [
                .software(Array("STUN test client".utf8)), .priority(0x6E00_01FF),
                .iceControlled(0x932F_F9B1_5126_3B36), .username(Array("evtj:h6vY".utf8)),
            ]
        )
        #expect(message.hasFingerprint)
        #expect(isAuthentic(TestVectors.request, key: TestVectors.password))
    }

    @Test(arguments: [
        (TestVectors.ipv4Response, "192.0.2.1"),
        (TestVectors.ipv6Response, "2001:db8:1234:5678:11:2233:4455:6677"),
    ])
    func `the sample responses hold the mapped address`(bytes: [UInt8], host: String) throws {
        let message = try parse(bytes)
        let address = try #require(TransportAddress(host, port: 32853))
        #expect(message.class == .success)
        #expect(message.attributes == [.software(Array("test vector".utf8)), .xorMappedAddress(address)])
        #expect(isAuthentic(bytes, key: TestVectors.password))
    }

    @Test func `the long-term request authenticates with its MD5 key`() throws {
        let message = try parse(TestVectors.longTermRequest)
        #expect(message.attributes.first == .username(Array("マトリックス".utf8)))
        #expect(message.attributes.last == .realm(Array("example.org".utf8)))
        #expect(!message.hasFingerprint)
        #expect(isAuthentic(TestVectors.longTermRequest, key: TestVectors.longTermKey))
    }

    @Test func `the vector without padding is written byte for byte`() throws {
        let message = try parse(TestVectors.longTermRequest)
        let encoded = message.encoded(integrityKey: TestVectors.longTermKey, fingerprint: false)
        #expect(encoded == TestVectors.longTermRequest)
    }

    @Test(arguments: [TestVectors.request, TestVectors.ipv4Response, TestVectors.ipv6Response])
    func `another password does not authenticate`(bytes: [UInt8]) {
        #expect(!isAuthentic(bytes, key: Array("VOkJxbRl1RmTxUk/WvJxBu".utf8)))
        #expect(!isAuthentic(bytes, key: []))
    }
}
