import Primitives
import TestSupport
import Testing

@testable import RTMP

@Suite("Handshake, RTMP 1.0 section 5.2")
struct HandshakeTests {
    private static let c1: [UInt8] = {
        var generator = SeededGenerator(seed: 1)
        var bytes = randomHandshakeBytes(using: &generator)
        bytes.replaceSubrange(0..<8, with: repeatElement(0, count: 8))
        return bytes
    }()

    private func makeServer() -> ServerHandshake {
        var generator = SeededGenerator(seed: 2)
        return ServerHandshake(random: randomHandshakeBytes(using: &generator))
    }

    /// Feeds `bytes` in pieces and returns what the server did, with the bytes it left.
    private func run(
        _ server: inout ServerHandshake,
        _ bytes: [UInt8],
        pieces: Int
    ) throws -> (steps: [ServerHandshake.Progress], left: [UInt8]) {
        var steps: [ServerHandshake.Progress] = []
        var offset = 0
        while offset < bytes.count {
            let end = min(offset + pieces, bytes.count)
            var reader = ByteReader(bytes.span.extracting(offset..<end))
            while true {
                let progress = try server.receive(&reader)
                if progress == .needsMoreBytes { break }
                steps.append(progress)
                if progress == .done { return (steps, reader.readRemainingArray() + bytes[end...]) }
            }
            offset = end
        }
        return (steps, [])
    }

    @Test(arguments: [1, 7, 1_536, 5_000])
    func `the simple handshake echoes C1 and takes any C2`(pieces: Int) throws {
        var server = makeServer()
        let c2 = [UInt8](repeating: 0x55, count: 1_536)
        let (steps, left) = try run(&server, [3] + Self.c1 + c2 + [0xAA, 0xBB], pieces: pieces)
        #expect(steps.count == 2 && steps.last == .done)
        #expect(left == [0xAA, 0xBB])
        guard case .send(let answer)? = steps.first else { throw Unexpected() }
        #expect(answer.count == 1 + 2 * 1_536)
        #expect(answer[0] == 3)
        #expect(Array(answer[5..<9]) == [0, 0, 0, 0])
        #expect(Array(answer[1_537...]) == Self.c1)
    }

    @Test(arguments: HandshakeDigest.Scheme.allCases)
    func `the digest handshake is answered in the client's own scheme`(scheme: HandshakeDigest.Scheme) throws {
        var c1 = Self.c1
        c1.replaceSubrange(4..<8, with: [9, 0, 124, 2])
        HandshakeDigest.sign(&c1, scheme: scheme, key: HandshakeDigest.clientKey)
        let clientDigest = try #require(HandshakeDigest.find(in: c1, key: HandshakeDigest.clientKey)).digest

        var server = makeServer()
        guard case .send(let answer)? = try run(&server, [3] + c1, pieces: 100).steps.first else { throw Unexpected() }
        let s1 = Array(answer[1..<1_537])
        let s2 = Array(answer[1_537...])
        let found = try #require(HandshakeDigest.find(in: s1, key: HandshakeDigest.serverKey))
        #expect(found.scheme == scheme)
        let key = HandshakeDigest.hmac(clientDigest, key: HandshakeDigest.serverAnswerKey)
        #expect(Array(s2[1_504...]) == HandshakeDigest.hmac(Array(s2[..<1_504]), key: key))
    }

    @Test func `HMAC-SHA256 gives the value of RFC 4231 test case 2`() {
        let digest = HandshakeDigest.hmac(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
        #expect(digest.prefix(4) == [0x5B, 0xDC, 0xC1, 0x46])
        #expect(digest.suffix(4) == [0x64, 0xEC, 0x38, 0x43])
    }

    @Test func `a client version without a valid digest gets the simple answer`() throws {
        var c1 = Self.c1
        c1.replaceSubrange(4..<8, with: [9, 0, 124, 2])
        var server = makeServer()
        guard case .send(let answer)? = try run(&server, [3] + c1, pieces: 5_000).steps.first else {
            throw Unexpected()
        }
        #expect(Array(answer[1_537...]) == c1)
    }

    @Test func `every digest place lies inside the packet`() {
        for scheme in HandshakeDigest.Scheme.allCases {
            for byte in UInt8.min...UInt8.max {
                let packet = [UInt8](repeating: byte, count: 1_536)
                #expect(HandshakeDigest.offset(in: packet, scheme: scheme) + 32 <= 1_536)
            }
        }
    }

    @Test(arguments: ["GET / HTTP/1.1\r\n", "\u{16}\u{03}\u{01}", "\u{06}"])
    func `other protocols are refused at their first byte`(opening: String) throws {
        let bytes = Array(opening.utf8)
        #expect(throws: RTMPError.unsupportedVersion(bytes[0])) {
            var server = makeServer()
            _ = try run(&server, bytes, pieces: 1)
        }
    }

    @Test func `nothing is answered before C1 is whole`() throws {
        for length in [1, 2, 1_000, 1_536] {
            var server = makeServer()
            #expect(try run(&server, Array(([3] + Self.c1)[..<length]), pieces: 5_000).steps.isEmpty)
        }
    }
}

struct Unexpected: Error {}

extension ByteReader {
    @_lifetime(self: copy self)
    fileprivate mutating func readRemainingArray() -> [UInt8] {
        let span = readRemaining()
        return span.indices.map { span[$0] }
    }
}
