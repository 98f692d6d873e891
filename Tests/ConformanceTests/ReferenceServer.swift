import Conformance
import Foundation
import HTTPTypes
import SDP
import Synchronization

/// A WHIP and WHEP server that does everything right, except for what a flaw makes it do wrong.
///
/// It connects to nobody. Its only live stream is `cam`, its only good token `good`.
final class ReferenceServer: Sendable {
    struct Session {
        var tag: String
        /// The client's credentials and the server's; both change with a restart.
        var remote: [String]
        var local: [String]
        var openedAt: Duration
        /// Waits for the answer to a counter-offer.
        var isPending = false
    }

    struct State {
        var sessions: [String: Session] = [:]
        var now = Duration.zero
        var counter = 0
        var refusedRestarts = 0
        var restarts = 0

        mutating func next(_ prefix: String) -> String {
            counter += 1
            return "\(prefix)\(counter)" + String(repeating: "x", count: 24)
        }
    }

    /// How long a session lasts that nobody connects to.
    static let patience = Duration.seconds(30)

    private let state = Mutex(State())
    private let flaw: Flaw?

    init(flaw: Flaw? = nil) {
        self.flaw = flaw
    }

    var openSessions: Int { state.withLock { $0.sessions.count } }
    var now: Duration { state.withLock { $0.now } }
    /// A run asks for one restart that must fail before it connects a session, and for one afterwards.
    var refusedRestarts: Int { state.withLock { $0.refusedRestarts } }
    /// The first is asked for without a peer.
    var restarts: Int { state.withLock { $0.restarts } }
    var media: ReferencePeer.Flaw { flaw?.media ?? .none }

    func advance(by duration: Duration) {
        state.withLock { state in
            state.now += duration
            guard flaw?.keepsAbandoned != true else { return }
            state.sessions = state.sessions.filter { state.now - $0.value.openedAt < Self.patience }
        }
    }

    func answer(_ request: ProbeRequest) -> ProbeResponse {
        state.withLock { state in
            var request = request
            flaw?.before(&request, &state)
            var response = Self.answer(request, &state)
            response.fields[.accessControlAllowOrigin] = "*"
            response.fields[.accessControlExposeHeaders] = "Location, ETag, Link, Retry-After"
            flaw?.after(request, &response)
            return response
        }
    }

    // MARK: Doing it right

    private static func answer(_ request: ProbeRequest, _ state: inout State) -> ProbeResponse {
        let parts = request.url.path().split(separator: "/").map(String.init)
        if parts.first == "redirected", parts.count > 2 {
            let target = "/" + parts.dropFirst(2).joined(separator: "/")
            return ProbeResponse(status: Int(parts[1]) ?? 307, fields: [.location: target])
        }
        guard parts.count >= 2, let kind = EndpointKind(rawValue: parts[0]) else { return problem(404) }
        if request.method == .options { return options(isSession: parts.count == 3) }
        let authorization = request.fields[.authorization]
        if authorization != nil, authorization != "Bearer good" {
            return problem(401, [.wwwAuthenticate: "Bearer realm=\"reference\", error=\"invalid_token\""])
        }
        if parts.count == 2 { return endpoint(kind, stream: parts[1], request, &state) }
        return session(kind, parts[2], request, &state)
    }

    private static func problem(_ status: Int, _ fields: HTTPFields = [:]) -> ProbeResponse {
        var response = ProbeResponse(status: status, fields: fields)
        response.fields[.contentType] = "application/problem+json"
        response.body = Array("{\"type\":\"about:blank\",\"title\":\"Problem\",\"status\":\(status)}".utf8)
        return response
    }

    private static func options(isSession: Bool) -> ProbeResponse {
        let methods = isSession ? "DELETE, GET, OPTIONS, PATCH" : "GET, HEAD, OPTIONS, POST"
        var fields: HTTPFields = [
            .allow: methods, .accessControlAllowMethods: methods,
            .accessControlAllowHeaders: "Authorization, Content-Type, If-Match",
        ]
        fields[isSession ? .acceptPatch : .acceptPost] =
            isSession ? "application/trickle-ice-sdpfrag" : "application/sdp"
        return ProbeResponse(status: 200, fields: fields)
    }

    private static func endpoint(
        _ kind: EndpointKind, stream: String, _ request: ProbeRequest, _ state: inout State
    ) -> ProbeResponse {
        switch request.method {
        case .get: return ProbeResponse(status: 204)
        case .head: return ProbeResponse(status: 200, fields: [.contentType: "application/sdp"])
        case .post: break
        default: return problem(405, [.allow: "GET, HEAD, OPTIONS, POST"])
        }
        guard request.fields[.contentType] == "application/sdp" else { return problem(415) }
        let body = request.body ?? []
        guard body.count <= 64 << 10 else { return problem(413) }
        guard let offer = try? SessionDescription(parsing: body), !offer.media.isEmpty else { return problem(400) }
        guard kind == .whip || stream == "cam" else { return problem(409, [.retryAfter: "2"]) }
        let answer = ReferenceAnswer(offer, kind, local: [state.next("ufrag"), state.next("password-of-the-server")])
        guard answer.isPossible else { return problem(406) }
        let id = state.next("session")
        var session = Session(
            tag: "\"\(state.next("tag"))\"", remote: ReferenceAnswer.credentials(offer), local: answer.local,
            openedAt: state.now)
        session.isPending = offer.group("BUNDLE") == nil
        let location = "/\(kind.rawValue)/\(stream)/\(id)"
        state.sessions[id] = session
        if session.isPending, kind == .whep {
            return ProbeResponse(
                status: 406,
                fields: [
                    .contentType: "application/sdp; valid-until=\"Fri, 01 Jan 2100 00:00:00 GMT\"",
                    .location: location,
                ], body: Array(answer.counterOffer.text.utf8))
        }
        var fields: HTTPFields = [
            .contentType: "application/sdp", .location: location, .eTag: session.tag,
            .link: "<stun:stun.example.net>; rel=\"ice-server\"",
        ]
        let turn = "<turn:turn.example.net?transport=udp>; rel=\"ice-server\"; username=\"u\"; credential=\"p\""
        fields.append(HTTPField(name: .link, value: turn))
        let events = "<\(location)/events>; rel=\"urn:ietf:params:\(kind.rawValue):ext:core:server-sent-events\""
        fields.append(HTTPField(name: .link, value: events))
        return ProbeResponse(status: 201, fields: fields, body: Array(answer.description.text.utf8))
    }

    private static func session(
        _ kind: EndpointKind, _ id: String, _ request: ProbeRequest, _ state: inout State
    ) -> ProbeResponse {
        guard var session = state.sessions[id] else { return problem(404) }
        switch request.method {
        case .get: return ProbeResponse(status: 204)
        case .delete:
            state.sessions[id] = nil
            return ProbeResponse(status: 200)
        case .patch: break
        default: return problem(405, [.allow: "DELETE, GET, OPTIONS, PATCH"])
        }
        if session.isPending {
            let isAnswer = request.fields[.contentType] == "application/sdp"
            return isAnswer && (try? SessionDescription(parsing: request.body ?? [])) != nil
                ? ProbeResponse(status: 204) : problem(400)
        }
        guard request.fields[.contentType] == "application/trickle-ice-sdpfrag" else { return problem(415) }
        guard let match = request.fields[.ifMatch] else { return problem(428) }
        guard match == "*" || match == session.tag else { return problem(412) }
        guard let fragment = try? SDPFragment(parsing: request.body ?? []) else { return problem(400) }
        let remote = ["ice-ufrag", "ice-pwd"].compactMap { fragment.first($0) }
        guard remote != session.remote else { return ProbeResponse(status: 204) }
        guard remote.count == 2, remote[1].utf8.count >= 22 else {
            state.refusedRestarts += 1
            return problem(400)
        }
        state.restarts += 1
        session.remote = remote
        session.local = [state.next("ufrag"), state.next("password-of-the-server")]
        session.tag = "\"\(state.next("tag"))\""
        state.sessions[id] = session
        return ProbeResponse(
            status: 200, fields: [.contentType: "application/trickle-ice-sdpfrag", .eTag: session.tag],
            body: Array(ReferenceAnswer.fragment(session.local).utf8))
    }
}

extension HTTPField.Name {
    static let acceptPost = HTTPField.Name("Accept-Post")!
    static let acceptPatch = HTTPField.Name("Accept-Patch")!
    static let link = HTTPField.Name("Link")!
}
