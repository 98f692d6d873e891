import DTLS
import ICE
import Media
import Primitives
import WebRTC

/// Values that targets need and that have nothing to do with their input.
enum FuzzValues {
    static let fingerprint: Fingerprint = {
        let text = "sha-256 " + Array(repeating: "AB", count: 32).joined(separator: ":")
        guard let fingerprint = Fingerprint(sdp: text) else { preconditionFailure("a fingerprint of our own") }
        return fingerprint
    }()

    /// The gateway's half of a negotiation.
    static let local = LocalDescription(
        credentials: ICECredentials(usernameFragment: "local", password: Secret("0123456789abcdefghijklmn")),
        fingerprint: fingerprint,
        candidates: [TransportAddress(ipv4: 0x7F00_0001, port: 8100)],
        sessionID: 1,
        canonicalName: "fuzz",
        firstSSRC: 1
    )

    /// What a stream has.
    static let tracks = [TrackDescription(codec: .h264), TrackDescription(codec: .opus, channels: 2)]

    /// A viewer's offer without any section.
    static let emptyOffer = Array("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n".utf8)
}
