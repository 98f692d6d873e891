/// The media side of a session that is really connected.
package protocol ConformancePeer: Sendable {
    /// The offer, with CRLF line ends.
    var offer: String { get }
    /// Media packets that have come so far.
    var receivedPackets: Int64 { get }
    /// How the session's transport ended; `nil` as long as it stands.
    var end: PeerEnd? { get }

    /// Connects to where the answer says.
    ///
    /// - Returns: `nil`, or why that is not possible, in plain words.
    func connect(answer: [UInt8]) async -> String?
    /// Answers an offer of the server's; ``connect()`` follows when the server has the answer.
    ///
    /// - Returns: The answer; `nil` when there is nothing in the offer for us.
    func answer(counterOffer: [UInt8]) -> String?
    /// Connects as ``answer(counterOffer:)`` agreed to.
    ///
    /// - Returns: `nil`, or why that is not possible, in plain words.
    func connect() async -> String?
    /// The fragment that asks for an ICE restart.
    func makeRestart() -> String
    /// Goes on under the credentials that the server answers with.
    ///
    /// - Returns: `nil`, or why there is no path under them, in plain words.
    func restart(answer: [UInt8]) async -> String?
    /// Follows the session until ``close()``; to be run beside everything else.
    func follow() async
    /// Ends the transport.
    func close()
}

/// How a transport ended.
package enum PeerEnd: Hashable, Sendable {
    /// The server said goodbye (DTLS close_notify).
    case closedByServer
    /// The server no longer answers (RFC 7675), or never did.
    case silent
    /// We closed it ourselves.
    case closedByUs
}
