import Conformance

/// The media side of a session with a ``ReferenceServer``, in the server's virtual time.
struct ReferencePeer: ConformancePeer {
    /// What the server's media do wrong.
    enum Flaw {
        case none
        /// Nothing connects.
        case unreachable
        /// Nothing comes.
        case mute
        /// The transport ends when a restart is refused.
        case fragile
        /// Media stop when a restart is refused.
        case startled
        /// Nobody answers under the credentials of a restart.
        case stranded
        /// Media stop when a restart goes well.
        case mutedByRestart
        /// A publisher's transport ends when a restart goes well.
        case endedByRestart
        /// Whoever answers a counter-offer is not connected.
        case deafToAnswers
        /// DELETE ends nothing.
        case endless
    }

    let server: ReferenceServer
    let kind: EndpointKind
    let offer: String

    private var flaw: Flaw { server.media }

    /// Ten packets a second as long as the server has a session.
    var receivedPackets: Int64 {
        guard kind == .whep else { return 0 }
        return switch flaw {
        case .mute: 0
        case .startled where server.refusedRestarts > 1: 10
        case .mutedByRestart where server.restarts > 1: 10
        case .endless: server.now / .milliseconds(100)
        default: server.openSessions == 0 ? 10 : server.now / .milliseconds(100)
        }
    }

    var end: PeerEnd? {
        switch flaw {
        case .fragile where server.refusedRestarts > 1: .silent
        case .endedByRestart where server.restarts > 1: .silent
        case .endless: nil
        default: server.openSessions == 0 ? .closedByServer : nil
        }
    }

    func connect(answer: [UInt8]) async -> String? {
        flaw == .unreachable ? "no address of the server answered" : nil
    }

    func answer(counterOffer: [UInt8]) -> String? { String(decoding: counterOffer, as: UTF8.self) }

    func connect() async -> String? { flaw == .deafToAnswers ? "no address of the server answered" : nil }

    func makeRestart() -> String {
        "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=ice-ufrag:again\r\na=ice-pwd:passwordofthesecondtime\r\n"
    }

    func restart(answer: [UInt8]) async -> String? { flaw == .stranded ? "no address of the server answered" : nil }

    func follow() async {}
    func close() {}
}

extension Duration {
    fileprivate static func / (duration: Duration, unit: Duration) -> Int64 {
        Int64((duration / unit as Double).rounded())
    }
}
