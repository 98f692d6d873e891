import Primitives

/// The client's side of the handshake, in its simple form, which every server accepts.
struct ClientHandshake: ~Copyable {
    enum Progress: Equatable {
        case needsMoreBytes
        /// The handshake is over once this C2 has been sent.
        case done(c2: [UInt8])
    }

    private var received: [UInt8] = []
    /// C0 and C1.
    let opening: [UInt8]

    /// - Parameter random: 1,536 random bytes.
    init(random: [UInt8]) {
        var c1 = random
        c1.replaceSubrange(0..<8, with: repeatElement(0, count: 8))
        opening = [3] + c1
    }

    /// Takes S0, S1 and S2 from the front of `reader`.
    mutating func receive(_ reader: inout ByteReader) throws(RTMPError) -> Progress {
        let needed = 1 + 2 * HandshakeDigest.packetLength
        do {
            received.append(copying: try reader.readSpan(min(needed - received.count, reader.remaining)))
        } catch {
            throw .malformed(error)
        }
        if let version = received.first, version != 3 { throw .unsupportedVersion(version) }
        guard received.count == needed else { return .needsMoreBytes }
        let s1 = Array(received[1..<(1 + HandshakeDigest.packetLength)])
        received = []
        return .done(c2: s1)
    }
}
