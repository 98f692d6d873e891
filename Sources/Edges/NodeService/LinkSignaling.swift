package import Primitives

/// What another gateway offers of a stream.
package struct RemoteOffer: Sendable, Equatable {
    package var sdp: [UInt8]
    /// Where the session is answered and ended: an absolute address.
    package var session: String

    package init(sdp: [UInt8], session: String) {
        self.sdp = sdp
        self.session = session
    }
}

/// Why another gateway did not do what it was asked for.
package enum LinkFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// It answered with this status.
    case refused(status: Int)
    case unreachable(String)
    /// It answered with something that no gateway says.
    case unintelligible

    package var description: String {
        switch self {
        case .refused(let status): "it answered with status \(status)"
        case .unreachable(let reason): reason
        case .unintelligible: "its answer cannot be understood"
        }
    }
}

/// The requests of a node link; each answers in bounded time.
package protocol LinkSignaling: Sendable {
    /// Asks for all of a stream.
    ///
    /// - Parameters:
    ///   - stream: Which one.
    ///   - url: The other gateway; see `NodeRecord/url`.
    ///   - token: From `NodeTokens`.
    /// - Returns: Its offer, which waits for ``answer(_:session:)`` for half a minute.
    /// - Throws: ``LinkFailure``.
    func ask(for stream: StreamName, at url: String, token: Secret) async throws(LinkFailure) -> RemoteOffer
    /// Answers the offer.
    func answer(_ sdp: String, session: String) async throws(LinkFailure)
    /// Ends the session; nothing more can be done where that fails.
    func end(session: String) async
}
