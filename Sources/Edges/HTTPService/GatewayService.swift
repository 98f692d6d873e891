package import Gateway
package import Primitives

/// What HTTP needs of a gateway; tests answer in its place.
package protocol GatewayService: Sendable {
    func publish(
        stream: StreamName,
        offer: [UInt8],
        by identity: PublisherIdentity,
        terms: SessionTerms
    ) async throws(GatewayRefusal) -> SessionAnswer
    func play(stream: StreamName, offer: [UInt8], terms: SessionTerms) async throws(GatewayRefusal) -> SessionAnswer
    /// `nil` unless the fragment restarts ICE.
    func change(
        session: String,
        stream: StreamName,
        kind: SessionKind,
        fragment: [UInt8]
    ) async throws(GatewayRefusal) -> SessionRestart?
    func end(session: String, stream: StreamName, kind: SessionKind) async throws(GatewayRefusal)
    /// Takes the answer to a counter-offer.
    func answer(session: String, stream: StreamName, answer: [UInt8]) async throws(GatewayRefusal)
    /// Offers another gateway all of a stream.
    func offerLink(stream: StreamName) async throws(GatewayRefusal) -> SessionAnswer
    /// Where clients of this name go while the gateway goes away: the address of another one.
    func destination(for name: String) async -> String?
    /// How a session stands; a refusal says what became of one that is gone.
    func state(
        of session: String,
        stream: StreamName,
        kind: SessionKind
    ) async throws(GatewayRefusal) -> SessionState
    func selectLayer(
        _ layer: String?,
        numbers: LayerNumbers,
        section: Int?,
        session: String,
        stream: StreamName
    ) async throws(GatewayRefusal)
    func openEvents(
        _ kinds: Set<ViewerEvent.Kind>,
        session: String,
        stream: StreamName
    ) async throws(GatewayRefusal) -> String
    func events(_ events: String, session: String, stream: StreamName) async throws(GatewayRefusal) -> EventQueue
    func closeEvents(_ events: String, session: String, stream: StreamName) async throws(GatewayRefusal)
    func streams() async -> [StreamStatus]
    func stream(_ name: StreamName) async -> StreamStatus?
    /// `nil` when there is no such stream.
    func viewers(of stream: StreamName, after: String?, limit: Int) async -> ViewerPage?
    /// The last key frame as a JPEG file, no larger than `width` and `height`.
    func snapshot(
        of stream: StreamName,
        width: Int?,
        height: Int?
    ) async throws(GatewayRefusal) -> StreamSnapshot
    func statistics() async -> GatewayStatistics
}

extension Gateway: GatewayService {}
