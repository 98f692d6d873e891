import Gateway
import HTTPService
import Primitives
import Synchronization

/// A gateway that says what a test told it to, and remembers what it was asked.
final class FakeGateway: GatewayService {
    struct Call: Equatable {
        var what: String
        var stream: String
        var session: String?
        var body: [UInt8] = []
        var identity: PublisherIdentity?
    }

    private struct State {
        var calls: [Call] = []
        var refusal: GatewayRefusal?
        var streams: [StreamStatus] = []
        var restart: SessionRestart?
    }

    private let state = Mutex(State())
    /// The one session there is.
    let session = "session-1"

    var calls: [Call] { state.withLock { $0.calls } }

    func refuse(with refusal: GatewayRefusal?) { state.withLock { $0.refusal = refusal } }
    func restart(with restart: SessionRestart) { state.withLock { $0.restart = restart } }
    func show(_ streams: [StreamStatus]) { state.withLock { $0.streams = streams } }

    private func note(_ call: Call) throws(GatewayRefusal) {
        let refusal = state.withLock { state in
            state.calls.append(call)
            return state.refusal
        }
        if let refusal { throw refusal }
    }

    private func check(_ session: String) throws(GatewayRefusal) {
        guard session == self.session else { throw GatewayRefusal(.unknownSession, "There is no such session.") }
    }

    private var answer: SessionAnswer { SessionAnswer(sessionID: session, sdp: "v=0 answer", entityTag: "\"tag\"") }

    func publish(
        stream: StreamName, offer: [UInt8], by identity: PublisherIdentity
    ) async throws(GatewayRefusal) -> SessionAnswer {
        try note(Call(what: "publish", stream: stream.description, body: offer, identity: identity))
        return answer
    }

    func play(stream: StreamName, offer: [UInt8]) async throws(GatewayRefusal) -> SessionAnswer {
        try note(Call(what: "play", stream: stream.description, body: offer))
        return answer
    }

    func change(
        session: String, stream: StreamName, kind: SessionKind, fragment: [UInt8]
    ) async throws(GatewayRefusal) -> SessionRestart? {
        try note(Call(what: "trickle", stream: stream.description, session: session, body: fragment))
        try check(session)
        return state.withLock { $0.restart }
    }

    func end(session: String, stream: StreamName, kind: SessionKind) async throws(GatewayRefusal) {
        try note(Call(what: "end", stream: stream.description, session: session))
        try check(session)
    }

    func entityTag(of session: String, stream: StreamName, kind: SessionKind) async -> String? {
        session == self.session ? "\"tag\"" : nil
    }

    func streams() async -> [StreamStatus] { state.withLock { $0.streams } }

    func stream(_ name: StreamName) async -> StreamStatus? {
        state.withLock { state in state.streams.first { $0.name == name.description } }
    }

    func statistics() async -> GatewayStatistics {
        var statistics = GatewayStatistics()
        statistics.viewers = 3
        return statistics
    }
}
