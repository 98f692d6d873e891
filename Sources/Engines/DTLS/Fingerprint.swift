/// The hash functions that `a=fingerprint` names (RFC 8122 §5), as far as WebRTC still sees them.
package enum HashAlgorithm: String, Hashable, Sendable, CaseIterable {
    /// Read, so that an offer with it can be refused by name; it never matches a certificate.
    case sha1 = "sha-1"
    case sha256 = "sha-256"
    case sha384 = "sha-384"
    case sha512 = "sha-512"

    /// The length of a hash value in bytes.
    package var length: Int {
        switch self {
        case .sha1: 20
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// Whether a fingerprint made with it proves anything today.
    package var isStrong: Bool { self != .sha1 }
}

/// The hash of a certificate, as SDP carries it in `a=fingerprint` (RFC 8122 §5).
package struct Fingerprint: Hashable, Sendable {
    package var algorithm: HashAlgorithm
    /// As many bytes as ``HashAlgorithm/length`` says.
    package var bytes: [UInt8]

    package init(algorithm: HashAlgorithm, bytes: [UInt8]) {
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// Parses the value of the attribute: `sha-256 AB:CD:…`, in either case.
    ///
    /// - Returns: `nil` for an unknown hash function, a wrong length or anything that is not hexadecimal.
    package init?(sdp: String) {
        let parts = sdp.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, let algorithm = HashAlgorithm(rawValue: parts[0].lowercased()) else { return nil }
        let text = Array(parts[1].utf8)
        guard text.count == algorithm.length * 3 - 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(algorithm.length)
        for start in stride(from: 0, to: text.count, by: 3) {
            guard let high = Self.digit(text[start]), let low = Self.digit(text[start + 1]),
                start + 2 == text.count || text[start + 2] == UInt8(ascii: ":")
            else { return nil }
            bytes.append(high << 4 | low)
        }
        self.init(algorithm: algorithm, bytes: bytes)
    }

    /// The value of the attribute, in the upper case that RFC 8122 asks for.
    package var sdp: String {
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            if !text.isEmpty { text.append(UInt8(ascii: ":")) }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return "\(algorithm.rawValue) \(String(decoding: text, as: UTF8.self))"
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
