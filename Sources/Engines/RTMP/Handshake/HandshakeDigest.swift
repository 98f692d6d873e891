import COpenSSL
import Primitives

/// The HMAC-SHA256 digest inside handshake packets, by which Flash players and servers knew each other.
///
/// The layout is published nowhere but implemented by every encoder; ffmpeg checks a server's digest
/// once the server claims version 3 or later.
package enum HandshakeDigest {
    /// Bytes of C1, S1, C2 and S2 (RTMP 1.0, section 5.2.3).
    package static let packetLength = 1_536
    static let length = 32

    /// Where in the packet the digest lies; a peer uses one or the other.
    enum Scheme: CaseIterable {
        /// The digest block behind the eight header bytes.
        case first
        /// The digest block behind the key block, in the second half.
        case second

        /// The four bytes whose sum gives the digest's place.
        var pointerOffset: Int {
            switch self {
            case .first: 8
            case .second: 772
            }
        }
    }

    static let clientKey = Array("Genuine Adobe Flash Player 001".utf8)
    static let serverKey = Array("Genuine Adobe Flash Media Server 001".utf8)
    /// Behind the short keys, for what answers the other side's digest.
    private static let keyExtension: [UInt8] = [
        0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57,
        0x6E, 0xEC, 0x5D, 0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE,
    ]
    static let clientAnswerKey = clientKey + keyExtension
    static let serverAnswerKey = serverKey + keyExtension

    /// The offset of the digest in `packet`.
    static func offset(in packet: [UInt8], scheme: Scheme) -> Int {
        let pointer = scheme.pointerOffset
        let sum = packet[pointer..<(pointer + 4)].reduce(0) { $0 + Int($1) }
        return pointer + 4 + sum % 728
    }

    /// The digest that `packet` should hold: over everything but the digest itself.
    static func digest(of packet: [UInt8], at offset: Int, key: [UInt8]) -> [UInt8] {
        hmac(Array(packet[..<offset] + packet[(offset + length)...]), key: key)
    }

    /// Finds and verifies the digest of `packet`.
    ///
    /// - Returns: `nil` when it holds none under `key`: the peer wants the simple handshake.
    static func find(in packet: [UInt8], key: [UInt8]) -> (scheme: Scheme, digest: [UInt8])? {
        guard packet.count == packetLength else { return nil }
        for scheme in Scheme.allCases {
            let offset = offset(in: packet, scheme: scheme)
            let found = Array(packet[offset..<(offset + length)])
            if found == digest(of: packet, at: offset, key: key) { return (scheme, found) }
        }
        return nil
    }

    /// Writes the digest of `packet` into it.
    static func sign(_ packet: inout [UInt8], scheme: Scheme, key: [UInt8]) {
        let offset = offset(in: packet, scheme: scheme)
        packet.replaceSubrange(offset..<(offset + length), with: digest(of: packet, at: offset, key: key))
    }

    /// Random bytes whose last 32 prove that the other side's `digest` was read (S2 and C2).
    static func answer(to digest: [UInt8], random: [UInt8], key: [UInt8]) -> [UInt8] {
        let body = Array(random.prefix(packetLength - length))
        return body + hmac(body, key: hmac(digest, key: key))
    }

    static func hmac(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: length)
        // One call without state; it can fail only when memory is exhausted.
        let result = unsafe HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &digest, nil)
        unsafe precondition(result != nil, "HMAC-SHA256 is always available")
        return digest
    }
}

/// Random bytes for handshake packets.
package func randomHandshakeBytes(using generator: inout some RandomNumberGenerator) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(HandshakeDigest.packetLength)
    while bytes.count < HandshakeDigest.packetLength {
        let word: UInt64 = generator.next()
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
    return bytes
}
