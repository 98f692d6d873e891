package import WebRTC

/// Why a session cannot begin.
package enum ClientError: Error, Equatable, Sendable, CustomStringConvertible {
    case noSocket(reason: String)
    case dtls(String)
    /// The server's answer cannot be used.
    case answer(OfferError)

    package var description: String {
        switch self {
        case .noSocket(let reason): "no UDP socket can be opened: \(reason)"
        case .dtls(let reason): "cannot set up DTLS: \(reason)"
        case .answer(let error): "the server's answer: \(error.detail)"
        }
    }
}

extension ClientEnd: CustomStringConvertible {
    /// What happened, in plain words.
    package var description: String {
        switch self {
        case .requested: "ended"
        case .closedByServer: "the server ended the session"
        case .unreachable:
            "no address of the server answered: UDP to its media port may be blocked, or it announces addresses that "
                + "cannot be reached from here"
        case .silent: "the server has not answered for 30 s"
        case .handshakeFailed(let error): "the DTLS handshake failed: \(error)"
        }
    }
}
