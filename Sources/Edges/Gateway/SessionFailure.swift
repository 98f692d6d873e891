import DTLS
import MediaIO

/// Why a session failed, as metrics, logs and clients are told.
enum SessionFailure: String, Sendable, CaseIterable {
    case noChecks = "no-stun"
    case noPair = "no-pair"
    case handshakeTimeout = "dtls-timeout"
    case fingerprintMismatch = "fingerprint-mismatch"
    case handshakeFailed = "dtls-failed"
    case consentLost = "consent-lost"
    case credentialExpired = "credential-expired"
    case credentialRevoked = "credential-revoked"
    case bitrateExceeded = "bitrate-exceeded"
    case unanswered = "counter-offer-unanswered"
    case superseded = "stream.superseded"

    /// `nil` for an end that is no failure.
    init?(_ end: PeerEnd) {
        switch end {
        case .requested, .closed, .shutdown: return nil
        case .noChecks: self = .noChecks
        case .noPair: self = .noPair
        case .consentExpired: self = .consentLost
        case .handshakeTimeout, .handshakeFailed(.timeout): self = .handshakeTimeout
        case .handshakeFailed(.fingerprintMismatch): self = .fingerprintMismatch
        case .handshakeFailed: self = .handshakeFailed
        }
    }

    /// What happened, and where to look.
    var explanation: String {
        switch self {
        case .noChecks:
            "no STUN packet of the client reached the gateway. Something on the way blocks its media port, UDP and TCP, "
                + "or the addresses it announces (webrtc.announce) are not those that clients can reach"
        case .noPair:
            "STUN packets came, but none that proved to know the session's password, or the client settled on no path. "
                + "The client may hold the answer of another session"
        case .handshakeTimeout:
            "a path was found, but no DTLS handshake was made over it. Something on the way may drop large packets"
        case .fingerprintMismatch:
            "the client's certificate is not the one that its offer named"
        case .handshakeFailed:
            "the DTLS handshake failed"
        case .credentialExpired: "its token has expired"
        case .credentialRevoked: "its token has been revoked"
        case .superseded: "the stream is published on another gateway now"
        case .bitrateExceeded: "the publisher kept sending more than its token allows"
        case .consentLost:
            "nothing was heard of the client for 30 seconds"
        case .unanswered:
            "the gateway's offer was not answered in time. Send the answer by PATCH as application/sdp before valid-until"
        }
    }
}

/// The sessions that failed last, for clients that ask what became of theirs.
struct RecentFailures {
    /// Sessions remembered at most; the oldest is forgotten first.
    static let capacity = 256

    private var causes: [String: SessionFailure] = [:]
    private var order: [String] = []

    var count: Int { order.count }

    mutating func note(_ cause: SessionFailure, of session: String) {
        guard causes.updateValue(cause, forKey: session) == nil else { return }
        order.append(session)
        if order.count > Self.capacity { causes[order.removeFirst()] = nil }
    }

    func cause(of session: String) -> SessionFailure? { causes[session] }
}
