import Primitives

/// The server's side of the handshake (RTMP 1.0, section 5.2), with and without digests.
///
/// ```
/// awaiting C0 C1 --(answers S0 S1 S2)--> awaiting C2 --> done
/// ```
struct ServerHandshake: ~Copyable {
    enum Progress: Equatable {
        case needsMoreBytes
        /// The answer to C0 and C1.
        case send([UInt8])
        /// The handshake is over; all further bytes are chunks.
        case done
    }

    private enum State {
        case awaitingC0C1
        case awaitingC2
        case done
    }

    private var state = State.awaitingC0C1
    private var received: [UInt8] = []
    private let random: [UInt8]

    /// - Parameter random: 1,536 random bytes.
    init(random: [UInt8]) {
        self.random = random
    }

    /// Takes bytes from the front of `input`, no more than it needs.
    mutating func receive(_ reader: inout ByteReader) throws(RTMPError) -> Progress {
        switch state {
        case .awaitingC0C1:
            guard try collect(1 + HandshakeDigest.packetLength, from: &reader) else { return .needsMoreBytes }
            let answer = answer(toC1: Array(received[1...]))
            received = []
            state = .awaitingC2
            return .send(answer)
        case .awaitingC2:
            // C2 should echo S1. Encoders send all sorts of things here, and nothing depends on it.
            guard try collect(HandshakeDigest.packetLength, from: &reader) else { return .needsMoreBytes }
            received = []
            state = .done
            return .done
        case .done: return .done
        }
    }

    private mutating func collect(_ count: Int, from reader: inout ByteReader) throws(RTMPError) -> Bool {
        do {
            let taken = min(count - received.count, reader.remaining)
            received.append(copying: try reader.readSpan(taken))
        } catch {
            throw .malformed(error)
        }
        // Section 5.2.2: a server MAY answer an unknown version with 3; everything that asks for
        // another one here is not RTMP at all (HTTP, TLS) or encrypted RTMPE, which we do not speak.
        if state == .awaitingC0C1, let version = received.first, version != 3 { throw .unsupportedVersion(version) }
        return received.count == count
    }

    private func answer(toC1 c1: [UInt8]) -> [UInt8] {
        // Players from 9.0.124 on put their version here and a digest further on.
        if c1[4..<8].contains(where: { $0 != 0 }),
            let client = HandshakeDigest.find(in: c1, key: HandshakeDigest.clientKey)
        {
            var s1 = random
            s1.replaceSubrange(0..<8, with: [0, 0, 0, 0, 4, 5, 0, 1])
            HandshakeDigest.sign(&s1, scheme: client.scheme, key: HandshakeDigest.serverKey)
            let s2 = HandshakeDigest.answer(
                to: client.digest,
                random: Array(random.reversed()),
                key: HandshakeDigest.serverAnswerKey
            )
            return [3] + s1 + s2
        }
        var s1 = random
        s1.replaceSubrange(0..<8, with: repeatElement(0, count: 8))
        return [3] + s1 + c1
    }
}
