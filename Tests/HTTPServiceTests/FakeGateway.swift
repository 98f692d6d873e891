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
        var record: Bool?
    }

    private struct State {
        var calls: [Call] = []
        var terms: [String: SessionTerms] = [:]
        var refusal: GatewayRefusal?
        var streams: [StreamStatus] = []
        var restart: SessionRestart?
        var viewers: [ViewerStatus] = []
        var hasLayers = false
        var offerEnds: Int64?
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

    private var answer: SessionAnswer {
        SessionAnswer(
            sessionID: session, sdp: "v=0 answer", entityTag: "\"tag\"", hasLayers: state.withLock { $0.hasLayers },
            offerEnds: state.withLock { $0.offerEnds })
    }

    /// From now on offers are made instead of answers.
    func makeOffers(until seconds: Int64) { state.withLock { $0.offerEnds = seconds } }

    func offerLink(stream: StreamName) async throws(GatewayRefusal) -> SessionAnswer {
        try note(Call(what: "link", stream: stream.description))
        return answer
    }

    func destination(for name: String) -> String? { nil }

    func publish(
        stream: StreamName, offer: [UInt8], by identity: PublisherIdentity, terms: SessionTerms
    ) async throws(GatewayRefusal) -> SessionAnswer {
        try note(
            Call(
                what: "publish", stream: stream.description, body: offer, identity: identity,
                record: terms.record))
        state.withLock { $0.terms[session] = terms }
        return answer
    }

    func play(
        stream: StreamName, offer: [UInt8], terms: SessionTerms
    ) async throws(GatewayRefusal) -> SessionAnswer {
        try note(Call(what: "play", stream: stream.description, body: offer))
        state.withLock { $0.terms[session] = terms }
        return answer
    }

    func change(
        session: String, stream: StreamName, kind: SessionKind, fragment: [UInt8]
    ) async throws(GatewayRefusal) -> SessionRestart? {
        try note(Call(what: "trickle", stream: stream.description, session: session, body: fragment))
        try check(session)
        return state.withLock { $0.restart }
    }

    /// What a session was held to.
    func terms(of session: String) -> SessionTerms? { state.withLock { $0.terms[session] } }

    func end(session: String, stream: StreamName, kind: SessionKind) async throws(GatewayRefusal) {
        try note(Call(what: "end", stream: stream.description, session: session))
        try check(session)
    }

    func answer(session: String, stream: StreamName, answer: [UInt8]) async throws(GatewayRefusal) {
        try note(Call(what: "answer", stream: stream.description, session: session, body: answer))
        try check(session)
        state.withLock { $0.offerEnds = nil }
    }

    func state(
        of session: String, stream: StreamName, kind: SessionKind
    ) async throws(GatewayRefusal) -> SessionState {
        try check(session)
        return SessionState(entityTag: "\"tag\"", awaitsAnswer: state.withLock { $0.offerEnds != nil })
    }

    func offerLayers() { state.withLock { $0.hasLayers = true } }

    func selectLayer(
        _ layer: String?, numbers: LayerNumbers, section: Int?, session: String, stream: StreamName
    ) async throws(GatewayRefusal) {
        let told = [
            ("S", numbers.spatial), ("T", numbers.temporal), ("s", numbers.maximumSpatial),
            ("t", numbers.maximumTemporal),
        ]
        .compactMap { name, number in number.map { "\(name)\($0)" } }.joined()
        let wish = "\(section.map(String.init) ?? "first"):\(layer ?? "automatic")\(told)"
        try note(Call(what: "layer", stream: stream.description, session: session, body: Array(wish.utf8)))
        try check(session)
    }

    /// The one stream of events there is.
    let events = "events-1"
    let queue = EventQueue(Set(ViewerEvent.Kind.allCases))

    func openEvents(
        _ kinds: Set<ViewerEvent.Kind>, session: String, stream: StreamName
    ) async throws(GatewayRefusal) -> String {
        let names = kinds.map(\.rawValue).sorted().joined(separator: " ")
        try note(Call(what: "open", stream: stream.description, session: session, body: Array(names.utf8)))
        try check(session)
        return events
    }

    func events(_ id: String, session: String, stream: StreamName) async throws(GatewayRefusal) -> EventQueue {
        try note(Call(what: "events", stream: stream.description, session: session))
        try check(session)
        guard id == events else { throw GatewayRefusal(.unknownEventStream, "There is no such stream of events.") }
        return queue
    }

    func closeEvents(_ id: String, session: String, stream: StreamName) async throws(GatewayRefusal) {
        try note(Call(what: "close", stream: stream.description, session: session))
        try check(session)
    }

    func show(_ viewers: [ViewerStatus]) { state.withLock { $0.viewers = viewers } }

    func viewers(of stream: StreamName, after: String?, limit: Int) async -> ViewerPage? {
        guard stream.description == "cam" else { return nil }
        return state.withLock { state in
            let left = state.viewers.filter { $0.id > after ?? "" }
            return ViewerPage(
                sessions: Array(left.prefix(limit)), next: left.count > limit ? left[limit - 1].id : nil)
        }
    }

    func snapshot(
        of stream: StreamName, width: Int?, height: Int?
    ) async throws(GatewayRefusal) -> StreamSnapshot {
        let size = "\(width.map(String.init) ?? "-")x\(height.map(String.init) ?? "-")"
        try note(Call(what: "snapshot", stream: stream.description, body: Array(size.utf8)))
        return StreamSnapshot(jpeg: [0xFF, 0xD8, 0xFF, 0xD9], tag: "7-0-\(size)")
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
