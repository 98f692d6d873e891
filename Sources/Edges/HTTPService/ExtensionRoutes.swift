import Auth
import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives

/// The extensions of WHEP: which layer a viewer wants, and what it is told while it watches.
///
/// They are links of the answer to an offer, and a player that ignores them loses nothing else. The path of a session,
/// which nobody can guess, stands for the right to both: `EventSource` cannot send a token.
struct ExtensionRoutes: Sendable {
    static let layerRelation = "urn:ietf:params:whep:ext:core:layer"
    static let eventsRelation = "urn:ietf:params:whep:ext:core:server-sent-events"
    static let requestType = "application/json"
    static let eventStreamType = "text/event-stream"

    let gateway: any GatewayService
    let access: Access

    /// What a viewer's session is announced with.
    ///
    /// - Parameters:
    ///   - path: The session's.
    ///   - hasLayers: Whether there is something to choose from.
    /// - Returns: The values of `Link` fields.
    static func links(session path: String, hasLayers: Bool) -> [String] {
        let events = ViewerEvent.Kind.allCases.filter { $0 != .layers || hasLayers }.map(\.rawValue)
        let link = "<\(path)/events>; rel=\"\(eventsRelation)\"; events=\"\(events.joined(separator: ","))\""
        return hasLayers ? [link, "<\(path)/layer>; rel=\"\(layerRelation)\""] : [link]
    }

    // MARK: Layers

    /// `POST` on the layer resource of a session.
    func layer(
        _ stream: StreamName,
        _ session: String,
        _ request: Request,
        peer: TransportAddress?
    ) async throws(Problem) -> Response {
        guard request.method == .post else { throw .methodNotAllowed(.layer(stream, session)) }
        try await access.authorizeSession(.play, stream: stream, request, peer: peer)
        guard Body.isOf(Self.requestType, request) else {
            throw .unsupportedMediaType(Self.requestType, field: .acceptPost)
        }
        let choice = try LayerChoice(parsing: try await Body.collect(request))
        do throws(GatewayRefusal) {
            try await gateway.selectLayer(
                choice.layer, numbers: choice.numbers, section: choice.section, session: session, stream: stream)
        } catch {
            throw Problem(error)
        }
        return Response(status: .ok)
    }

    // MARK: Events

    /// `POST` on the events resource of a session: opens a stream of the events that the body lists, or of all.
    func openEvents(
        _ stream: StreamName,
        _ session: String,
        _ request: Request,
        peer: TransportAddress?
    ) async throws(Problem) -> Response {
        guard request.method == .post else { throw .methodNotAllowed(.events(stream, session)) }
        try await access.authorizeSession(.play, stream: stream, request, peer: peer)
        let body = try await Body.collect(request)
        guard body.isEmpty || Body.isOf(Self.requestType, request) else {
            throw .unsupportedMediaType(Self.requestType, field: .acceptPost)
        }
        let kinds = try Self.kinds(body)
        do throws(GatewayRefusal) {
            let id = try await gateway.openEvents(kinds, session: session, stream: stream)
            return Response(status: .created, headers: [.location: "/whep/\(stream)/\(session)/events/\(id)"])
        } catch {
            throw Problem(error)
        }
    }

    /// What a viewer wants to be told; events of other gateways are no error.
    private static func kinds(_ body: [UInt8]) throws(Problem) -> Set<ViewerEvent.Kind> {
        if body.isEmpty { return Set(ViewerEvent.Kind.allCases) }
        guard let names = try? JSONDecoder().decode([String].self, from: Data(body)) else { throw .malformedEventList }
        return Set(names.compactMap { ViewerEvent.Kind(rawValue: $0) })
    }

    /// `GET`, `HEAD` and `DELETE` on a stream of events.
    func events(
        _ stream: StreamName,
        _ session: String,
        _ id: String,
        _ request: Request,
        peer: TransportAddress?
    ) async throws(Problem) -> Response {
        let route = Route.eventStream(stream, session, id)
        guard route.methods.contains(request.method.rawValue) else { throw .methodNotAllowed(route) }
        try await access.authorizeSession(.play, stream: stream, request, peer: peer)
        do throws(GatewayRefusal) {
            if request.method == .delete {
                try await gateway.closeEvents(id, session: session, stream: stream)
                return Response(status: .ok)
            }
            let queue = try await gateway.events(id, session: session, stream: stream)
            let headers: HTTPFields = [
                .contentType: Self.eventStreamType, .cacheControl: "no-store",
                // Proxies that collect an answer before they pass it on would keep events back.
                .accelBuffering: "no",
            ]
            guard request.method == .get else { return Response(status: .ok, headers: headers) }
            return Response(status: .ok, headers: headers, body: Self.body(queue))
        } catch {
            throw Problem(error)
        }
    }

    /// Writes what comes until the session ends, another reader comes, or this one has gone.
    private static func body(_ queue: EventQueue) -> ResponseBody {
        let reader = queue.attach()
        return ResponseBody { writer in
            // The head of an answer leaves with the first bytes of its body.
            try await writer.write(ByteBuffer(string: ":\n\n"))
            while let item = await queue.next(reader) {
                try await writer.write(ByteBuffer(string: item.serverSentText))
            }
            try await writer.finish(nil)
        }
    }
}

extension Problem {
    static let malformedEventList = Problem(
        400,
        "malformed-event-list",
        "The body is not a list of event names. Send a JSON array such as [\"active\",\"inactive\"], or nothing for all."
    )
    static let malformedLayerChoice = Problem(
        400,
        "malformed-layer-choice",
        "The body does not choose a layer. Send a JSON object such as {\"mediaId\":\"0\",\"rid\":\"h\"}; without rid, the "
            + "gateway chooses again."
    )
    static let unsupportedLayerConstraint = Problem(
        400,
        "unsupported-layer-constraint",
        "Layers are chosen by their rid and their numbers here, not by sizes. The event \"layers\" lists them."
    )
}

extension HTTPField.Name {
    static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
}
