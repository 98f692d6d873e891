import Auth
import Foundation
import Gateway
import HLS
import HTTPTypes
import Hummingbird
import Primitives

/// WHIP (RFC 9725) and WHEP: offers in, answers out, and the sessions between.
struct SessionRoutes: Sendable {
    static let offerType = "application/sdp"
    static let fragmentType = "application/trickle-ice-sdpfrag"

    let gateway: any GatewayService
    let access: Access
    let iceServers: [ICEServerLink]
    /// Whether who cannot watch by WebRTC is sent to HLS.
    var offersHLS = false
    let links: LinkRoutes

    /// `POST`, `HEAD` and `GET` on an endpoint.
    func endpoint(
        _ kind: SessionKind,
        _ stream: StreamName,
        _ request: Request,
        peer: TransportAddress?
    ) async throws(Problem) -> Response {
        switch request.method {
        case .post where kind == .viewer && LinkRoutes.isLink(request):
            return try await links.open(stream, request, access: access, peer: peer)
        case .post: return try await open(kind, stream, request, peer: peer)
        // Clients ask this way whether there is an endpoint at all.
        case .head: return Response(status: .ok, headers: [.contentType: Self.offerType, .acceptPost: Self.offerType])
        case .get: return Response(status: .ok, headers: [.acceptPost: Self.offerType, .contentLength: "0"])
        default: throw .methodNotAllowed(.endpoint(kind, stream))
        }
    }

    private func open(
        _ kind: SessionKind,
        _ stream: StreamName,
        _ request: Request,
        peer: TransportAddress?
    ) async throws(Problem) -> Response {
        try access.countPost(from: peer)
        guard Body.isOf(Self.offerType, request) else {
            throw .unsupportedMediaType(Self.offerType, field: .acceptPost)
        }
        // Permission first: who has none cannot make us read an offer.
        let grant = try await access.admit(
            Self.permission(kind), stream: stream, request, peer: peer, way: kind == .publisher ? .whip : .whep)
        try access.countSession(of: grant, from: peer)
        let terms = access.terms(of: grant)
        let offer = try await Body.collect(request)
        let answer: SessionAnswer
        do throws(GatewayRefusal) {
            switch kind {
            case .publisher:
                answer = try await gateway.publish(
                    stream: stream, offer: offer, by: Self.identity(grant.holder), terms: terms)
            case .viewer: answer = try await gateway.play(stream: stream, offer: offer, terms: terms)
            }
        } catch {
            var problem = Problem(error)
            if kind == .viewer, problem.status == 406, offersHLS {
                problem.fields[.link] =
                    "</hls/\(stream)/index.m3u8>; rel=\"alternate\"; type=\"\(ResourceName.multivariant.contentType)\""
            }
            throw problem
        }
        let path = "/\(Self.word(kind))/\(stream)/\(answer.sessionID)"
        // A player answers an offer of ours by PATCH (WHEP, "Server Sends Counter-offer").
        let type = answer.offerEnds.map { "\(Self.offerType); valid-until=\"\(HTTPDate.text($0))\"" }
        var headers: HTTPFields = [
            .contentType: type ?? Self.offerType,
            .location: path,
            .eTag: answer.entityTag,
            .cacheControl: "no-store",
        ]
        announceServers(to: grant.holder, in: &headers)
        if kind == .viewer {
            for link in ExtensionRoutes.links(session: path, hasLayers: answer.hasLayers) {
                headers.append(HTTPField(name: .link, value: link))
            }
        }
        let status: HTTPResponse.Status = answer.offerEnds == nil ? .created : .notAcceptable
        return Response(status: status, headers: headers, body: .init(byteBuffer: .init(string: answer.sdp)))
    }

    /// Adds the STUN and TURN servers to an answer to `OPTIONS` (RFC 9725 section 4.6), for clients that must know them
    /// before they make an offer.
    ///
    /// `OPTIONS` needs no token, but the credentials in these links are for those who may have a session.
    func addServers(
        to response: inout Response,
        _ kind: SessionKind,
        _ stream: StreamName,
        _ request: Request,
        peer: TransportAddress?
    ) async {
        guard !iceServers.isEmpty,
            let grant = try? await access.authorize(Self.permission(kind), stream: stream, request, peer: peer)
        else { return }
        announceServers(to: grant.holder, in: &response.headers)
        response.headers[.cacheControl] = "no-store"
    }

    private func announceServers(to holder: Grant.Holder, in headers: inout HTTPFields) {
        let now = Int64(Date.now.timeIntervalSince1970)
        for server in iceServers {
            headers.append(HTTPField(name: .link, value: server.fieldValue(now: now, name: holder.shortName)))
        }
    }

    /// `PATCH`, `DELETE`, `HEAD` and `GET` on a session.
    func session(
        _ kind: SessionKind,
        _ stream: StreamName,
        _ id: String,
        _ request: Request,
        peer: TransportAddress?
    ) async throws(Problem) -> Response {
        guard Route.session(kind, stream, id).methods.contains(request.method.rawValue) else {
            throw .methodNotAllowed(.session(kind, stream, id))
        }
        try await access.authorizeSession(Self.permission(kind), stream: stream, request, peer: peer)
        do {
            if request.method == .delete {
                try await gateway.end(session: id, stream: stream, kind: kind)
                return Response(status: .ok)
            }
            // A session that is gone is worth knowing before what is wrong with the request.
            let state = try await gateway.state(of: id, stream: stream, kind: kind)
            // There is nothing to show of a session but that it is there (RFC 9725 section 4.1).
            guard request.method == .patch else { return Response(status: .noContent) }
            let type = state.awaitsAnswer ? Self.offerType : Self.fragmentType
            guard Body.isOf(type, request) else { throw Problem.unsupportedMediaType(type, field: .acceptPatch) }
            let names = request.headers[values: .ifMatch]
            // The draft's player answers without a tag; one that is sent has to be right.
            if !state.awaitsAnswer || !names.isEmpty { try Precondition.check(names, tag: state.entityTag) }
            let fragment = try await Body.collect(request)
            if state.awaitsAnswer {
                try await gateway.answer(session: id, stream: stream, answer: fragment)
                return Response(status: .noContent)
            }
            guard let restart = try await gateway.change(session: id, stream: stream, kind: kind, fragment: fragment)
            else { return Response(status: .noContent) }
            // RFC 9725 section 4.3.3: a restart begins a new ICE session, and so has a tag of its own.
            return Response(
                status: .ok,
                headers: [
                    .contentType: Self.fragmentType, .eTag: restart.entityTag, .cacheControl: "no-store",
                ],
                body: .init(byteBuffer: .init(string: restart.fragment))
            )
        } catch let refusal as GatewayRefusal {
            throw Problem(refusal)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw .interrupted
        }
    }

    private static func permission(_ kind: SessionKind) -> Permission {
        kind == .publisher ? .publish : .play
    }

    private static func word(_ kind: SessionKind) -> String {
        kind == .publisher ? "whip" : "whep"
    }

    private static func identity(_ holder: Grant.Holder) -> PublisherIdentity {
        switch holder {
        case .loopback: .loopback
        case .anonymous: .anonymous
        case .credential(let digest): .credential(digest)
        }
    }
}
