import DTLS
import ICE
import Primitives
import SDP

/// The transport half of a peer's description: ICE and DTLS, read from the section that speaks for the bundle.
///
/// RFC 9143 §7.1.3 takes these attributes from the tagged section; each may stand at session level instead.
struct RemoteTransport: Sendable {
    var credentials: ICECredentials
    var fingerprints: [Fingerprint]
    /// `nil` when the peer does not say.
    var setup: SetupRole?
    var candidates: [ICECandidate]

    /// No real peer has more; the rest is not read.
    static let maximumCandidates = 64
    /// One for each hash is what peers offer at most.
    static let maximumFingerprints = 16

    /// - Parameters:
    ///   - description: The peer's offer or answer.
    ///   - index: The media section that is the bundle's tag.
    /// - Throws: ``OfferError`` when something is missing or unusable.
    init(_ description: SessionDescription, mediaSection index: Int) throws(OfferError) {
        guard let name = description.inherited("ice-ufrag", inMediaSection: index),
            let password = description.inherited("ice-pwd", inMediaSection: index)
        else { throw .noICE }
        credentials = try Self.credentials(name: name, password: password)

        let attributes =
            description.media.indices.contains(index) ? description.media[index].attributes : SDPAttributes()
        let own = attributes.all("fingerprint")
        fingerprints = try Self.fingerprints(own.isEmpty ? description.attributes.all("fingerprint") : own)

        if let text = description.inherited("setup", inMediaSection: index) {
            guard let setup = SetupRole(rawValue: text), setup != .holdconn else {
                throw .malformed("a=setup is none of active, passive and actpass")
            }
            self.setup = setup
        }
        candidates = attributes.all("candidate").prefix(Self.maximumCandidates).compactMap {
            try? ICECandidate(parsing: $0)
        }
    }

    /// Checks lengths (RFC 8839 §5.4), but leaves the alphabet to the peer except for what would break a USERNAME.
    static func credentials(name: String, password: String) throws(OfferError) -> ICECredentials {
        func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
        guard (4...256).contains(name.utf8.count), isPlain(name), !name.utf8.contains(UInt8(ascii: ":")) else {
            throw .malformed("a=ice-ufrag must be 4 to 256 letters, digits, + or /")
        }
        guard (22...256).contains(password.utf8.count), isPlain(password) else {
            throw .malformed("a=ice-pwd must be 22 to 256 letters, digits, + or /")
        }
        return ICECredentials(usernameFragment: name, password: Secret(password))
    }

    private static func fingerprints(_ values: [String]) throws(OfferError) -> [Fingerprint] {
        guard !values.isEmpty else { throw .noFingerprint }
        var fingerprints: [Fingerprint] = []
        var hasWeak = false
        for value in values.prefix(maximumFingerprints) {
            guard let fingerprint = Fingerprint(sdp: value) else {
                hasWeak = hasWeak || isWeak(value)
                continue
            }
            if fingerprint.algorithm == .sha1 { hasWeak = true } else { fingerprints.append(fingerprint) }
        }
        guard !fingerprints.isEmpty else {
            if hasWeak { throw .weakFingerprint }
            throw .malformed("a=fingerprint is not a hash name and its bytes in hexadecimal")
        }
        return fingerprints
    }

    private static func isWeak(_ value: String) -> Bool {
        let name = value.lowercased()
        return ["md2 ", "md5 ", "sha-1 "].contains { name.hasPrefix($0) }
    }
}
