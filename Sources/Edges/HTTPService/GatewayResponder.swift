import HTTPTypes
package import Hummingbird
import Logging
import Primitives
import Telemetry
import WebPages

/// Answers every request: finds its route, and turns what goes wrong into a problem.
package struct GatewayResponder: HTTPResponder {
    package typealias Context = ClientContext

    let sessions: SessionRoutes
    let extensions: ExtensionRoutes
    let information: InformationRoutes
    let recordings: RecordingRoutes
    let revocations: RevocationRoutes
    let webhooks: WebhookRoutes
    let snapshots: SnapshotRoutes
    let rooms: RoomRoutes
    let nodes: NodeRoutes
    let signaling: SignalingEndpoint
    let pages: PageRoutes
    let hls: HLSRoutes
    let crossOrigin: CrossOrigin
    /// The value of `Strict-Transport-Security` (RFC 6797), where browsers shall insist on HTTPS.
    let strictTransportSecurity: String?
    let metrics: MetricsRegistry
    let logger: Logger
    /// Who a request comes from; tests say so themselves.
    let peer: @Sendable (Request, ClientContext) -> TransportAddress?

    package func respond(to request: Request, context: ClientContext) async -> Response {
        let path = String(request.uri.path)
        let peer = peer(request, context)
        var response: Response
        do throws(Problem) {
            response = try await answer(request, path: path, peer: peer, connection: context.connection)
        } catch {
            metrics.countRefusal(error.name)
            note(error, of: request, path: path, peer: peer)
            response = error.response
        }
        response.headers[.xContentTypeOptions] = "nosniff"
        if let strictTransportSecurity { response.headers[.strictTransportSecurity] = strictTransportSecurity }
        crossOrigin.mark(&response, path: path, origin: request.headers[.origin])
        if request.method == .head { response = response.withoutBody() }
        return response
    }

    /// A credential that was refused is worth a line in production; whatever else clients get wrong is not.
    private func note(_ problem: Problem, of request: Request, path: String, peer: TransportAddress?) {
        let isCredential = (problem.status == 401 || problem.status == 403) && request.headers[.authorization] != nil
        logger.log(
            level: isCredential ? .notice : .debug,
            "Request refused",
            metadata: [
                LogKeys.method: "\(request.method)", LogKeys.status: .stringConvertible(problem.status),
                LogKeys.eventReason: "\(problem.name)", LogKeys.path: .string(LoggedPath.text(path)),
                LogKeys.clientAddress: .string(peer?.host ?? ""),
            ]
        )
    }

    private func answer(
        _ request: Request,
        path: String,
        peer: TransportAddress?,
        connection: ClientConnection?
    ) async throws(Problem) -> Response {
        // Whoever looks after the gateway must see how it is while others flood it.
        let isProbe = path == "/health/live" || path == "/health/ready"
        if !isProbe { try sessions.access.countRequest(from: peer) }
        let route = try Route(path: path)
        // Browsers ask this before they send a token, so it needs none.
        if request.method == .options {
            var response = CrossOrigin.options(for: route)
            if case .endpoint(let kind, let stream) = route {
                await sessions.addServers(to: &response, kind, stream, request, peer: peer)
            }
            return response
        }
        switch route {
        case .endpoint(let kind, let stream):
            return try await sessions.endpoint(kind, stream, request, peer: peer)
        case .session(let kind, let stream, let id):
            return try await sessions.session(kind, stream, id, request, peer: peer)
        case .layer(let stream, let id): return try await extensions.layer(stream, id, request, peer: peer)
        case .events(let stream, let id): return try await extensions.openEvents(stream, id, request, peer: peer)
        case .eventStream(let stream, let id, let events):
            return try await extensions.events(stream, id, events, request, peer: peer)
        case .recorder(let name): return try await recordings.recorder(name, request, peer: peer)
        case .recording(let id) where request.method == .delete:
            return try await recordings.remove(id, request, peer: peer)
        case .revocations:
            guard request.method == .post else { throw .methodNotAllowed(route) }
            return try await revocations.revoke(request, peer: peer)
        case .webhookReplay(let id):
            guard request.method == .post else { throw .methodNotAllowed(route) }
            return try await webhooks.replay(id, request, peer: peer)
        case .participant(let room, let id):
            guard request.method == .delete else { throw .methodNotAllowed(route) }
            return try await rooms.kick(id, from: room, request, peer: peer)
        case .signalingConnection(let id): return try await signaling.post(to: id, request)
        case .room(let name) where request.method == .delete:
            return try await rooms.room(name, request, peer: peer)
        default: break
        }
        guard request.method == .get || request.method == .head else { throw .methodNotAllowed(route) }
        switch route {
        case .home: return pages.document(WebPages.home, request)
        case .player: return pages.document(WebPages.player, request)
        case .publisher: return pages.document(WebPages.publisher, request)
        case .roomPage: return pages.document(WebPages.room, request)
        case .asset(let name): return try pages.asset(name, request)
        case .hls(let stream, let signed, let file):
            return try await hls.answer(
                stream, signed: signed, file: file, request, peer: peer, connection: connection)
        case .streams: return try await information.streams(request, peer: peer)
        case .stream(let name): return try await information.stream(name, request, peer: peer)
        case .streamStatistics(let name): return try await information.statistics(of: name, request, peer: peer)
        case .viewers(let name): return try await information.viewers(of: name, request, peer: peer)
        case .snapshot(let name): return try await snapshots.snapshot(of: name, request, peer: peer)
        case .metrics: return try await information.metrics(request, peer: peer)
        case .recordings: return try await recordings.list(request, peer: peer)
        case .recording(let id): return try await recordings.recording(id, request, peer: peer)
        case .recordingPlaylist(let id): return try await recordings.playlist(id, request, peer: peer)
        case .recordingMedia(let id): return try await recordings.media(id, request, peer: peer)
        case .webhookDeliveries: return try await webhooks.list(request, peer: peer)
        case .webhookDelivery(let id): return try await webhooks.payload(id, request, peer: peer)
        case .nodes: return try await nodes.list(request, peer: peer)
        case .rooms: return try await rooms.list(request, peer: peer)
        case .room(let name): return try await rooms.room(name, request, peer: peer)
        case .signaling: return try signaling.refuse(request)
        case .signalingEvents: return try signaling.openStream(request, peer: peer, connection: connection)
        case .live: return information.live()
        case .ready: return information.ready()
        case .endpoint, .session, .layer, .events, .eventStream, .recorder, .revocations, .webhookReplay,
            .participant, .signalingConnection:
            throw .notFound
        }
    }
}

extension Response {
    /// The same head; its length stays that of the body left out (RFC 9110 section 9.3.2).
    fileprivate func withoutBody() -> Response {
        var headers = headers
        if let length = body.contentLength, headers[.contentLength] == nil { headers[.contentLength] = "\(length)" }
        return Response(status: status, headers: headers)
    }
}
