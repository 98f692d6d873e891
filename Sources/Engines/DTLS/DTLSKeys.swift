/// The SRTP protection profiles that we negotiate (RFC 5764 §4.1.2, RFC 7714 §14.2).
package enum DTLSSRTPProfile: UInt16, Sendable, CaseIterable {
    // The name of the registry, which tells it from the one with 32 bits.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case aes128CMSHA1_80 = 0x0001
    case aeadAES128GCM = 0x0007

    /// The length of a master key in bytes.
    package var keyLength: Int { 16 }
    /// The length of a master salt in bytes.
    package var saltLength: Int { self == .aeadAES128GCM ? 12 : 14 }
}

/// Which end of the handshake an endpoint is: `setup:active` is the client (RFC 5763 §5).
package enum DTLSRole: Sendable {
    case client, server
}

/// The SRTP master keys that a handshake gave, sorted by direction.
///
/// Its description is fixed, so that no log shows a key.
package struct DTLSKeys: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var profile: DTLSSRTPProfile
    /// What we protect with.
    package var localKey: [UInt8]
    package var localSalt: [UInt8]
    /// What the peer protects with.
    package var remoteKey: [UInt8]
    package var remoteSalt: [UInt8]

    /// The label of the exporter (RFC 5764 §4.2).
    static let exporterLabel = "EXTRACTOR-dtls_srtp"

    /// How many bytes to export for `profile`.
    static func exportLength(_ profile: DTLSSRTPProfile) -> Int { 2 * (profile.keyLength + profile.saltLength) }

    /// Keys that come from elsewhere than a handshake: a scripted one, in tests.
    package init(
        profile: DTLSSRTPProfile, localKey: [UInt8], localSalt: [UInt8], remoteKey: [UInt8], remoteSalt: [UInt8]
    ) {
        self.profile = profile
        self.localKey = localKey
        self.localSalt = localSalt
        self.remoteKey = remoteKey
        self.remoteSalt = remoteSalt
    }

    /// Cuts exported bytes into client key, server key, client salt and server salt (RFC 5764 §4.2).
    ///
    /// There must be as many as ``exportLength(_:)`` says.
    init(profile: DTLSSRTPProfile, exported: [UInt8], role: DTLSRole) {
        precondition(exported.count == Self.exportLength(profile), "the exporter was asked for another length")
        let key = profile.keyLength
        let salt = profile.saltLength
        let clientKey = Array(exported[..<key])
        let serverKey = Array(exported[key..<(2 * key)])
        let clientSalt = Array(exported[(2 * key)..<(2 * key + salt)])
        let serverSalt = Array(exported[(2 * key + salt)...])
        self.profile = profile
        localKey = role == .client ? clientKey : serverKey
        localSalt = role == .client ? clientSalt : serverSalt
        remoteKey = role == .client ? serverKey : clientKey
        remoteSalt = role == .client ? serverSalt : clientSalt
    }

    package var description: String { "<SRTP keys, redacted>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
