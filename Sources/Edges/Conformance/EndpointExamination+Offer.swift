import Foundation
import HTTPTypes
import SDP

extension EndpointExamination {
    /// Opens a session, works on it, and ends it.
    func examineSession() async {
        let offer = makeOffer()
        let post = await post(offer.text)
        judgeRedirects(post)
        guard case .success(let response) = post.outcome else {
            report(.created, post.outcome) { _ in false }
            return skip(Self.rowsOfSession, "no session was made")
        }
        guard response.isSuccess else {
            await judgeRefusal(post, response)
            return skip(Self.rowsOfSession, "no session was made")
        }
        report(.created, response.status == 201, String(response.status))
        report(.answerType, response.mediaType == MediaType.sdp, response.fields[.contentType] ?? "none")
        judgeLinks(response, from: post.url)
        for finding in AnswerJudge(offer: offer.description, kind: endpoint.kind).findings(on: response.body) {
            report(finding.row, finding.verdict, finding.seen)
        }
        let session = location(response, from: post.url)
        report(.location, session != nil && session != post.url, response.fields[.location] == nil ? "none" : "there")
        guard let session, session != post.url else {
            skip([.entityTag], "no session to restart")
            return skip(Self.rowsOfSession, "the session has no address")
        }
        await work(on: openSession(session, offer, response))
    }

    private func work(on session: OpenSession) async {
        var session = session
        await examineMethods(of: session)
        await examineTrickle(&session)
        await examineRestart(&session)
        judgeTag(session)
        await examineEnd(&session)
    }

    private static let rowsOfSession = Row.allCases.filter {
        ["offer", "answer", "session", "trickle", "patch", "restart", "end"].contains($0.topic) && $0 != .abandoned
    }

    private func judgeRedirects(_ post: Post) {
        if case .success(let response) = post.outcome, (300...399).contains(response.status) {
            return report(.redirect, .failed, "\(response.status) after \(post.redirects.count) redirects")
        }
        guard !post.redirects.isEmpty else { return report(.redirect, .skipped, "no redirect") }
        // 301, 302 and 303 make browsers and many libraries ask again by GET.
        report(
            .redirect, post.redirects.allSatisfy { $0 == 307 || $0 == 308 },
            post.redirects.map(String.init).joined(separator: ", "))
    }

    private func judgeRefusal(
        _ post: Post, _ response: ProbeResponse
    ) async {
        switch response.status {
        case 406 where endpoint.kind == .whep && response.isCounterOffer:
            report(.created, .skipped, "406 with a counter-offer")
            await judgeCounterOffer(response, from: post.url)
        case 409 where endpoint.kind == .whep:
            report(.created, .failed, "409: nobody publishes this stream; name one that is live")
        case 401, 403: report(.created, .failed, "\(response.status): give a token with --token")
        default: report(.created, .failed, String(response.status))
        }
    }

    private func openSession(_ url: URL, _ offer: ProbeOffer, _ response: ProbeResponse) -> OpenSession {
        let answer = try? SessionDescription(parsing: response.body)
        let credentials = answer.map { answer in
            ["ice-ufrag", "ice-pwd"].compactMap { answer.inherited($0, inMediaSection: 0) }
        }
        let attributes = answer.map { answer in
            // In a media section it is a mistake that has a row of its own.
            let all = [answer.attributes] + answer.media.map(\.attributes)
            return ICEAttributes(
                isLite: all.contains { $0.contains("ice-lite") },
                options: Self.options(answer.inherited("ice-options", inMediaSection: 0)))
        }
        return OpenSession(
            url: url, offer: offer, credentials: offer.credentials, tag: response.fields[.eTag],
            attributes: attributes, serverCredentials: credentials ?? [])
    }

    static func options(_ value: String?) -> Set<String> {
        Set((value ?? "").split(separator: " ").map(String.init))
    }

    private func judgeLinks(_ response: ProbeResponse, from url: URL) {
        let (links, isWellFormed) = LinkField.parse(response.fields[values: .link])
        let servers = links.filter { $0.relations.contains("ice-server") }
        let prefix = "urn:ietf:params:\(endpoint.kind.rawValue):ext"
        let extensions = links.filter { $0.relations.contains { $0.hasPrefix(prefix) } }
        guard isWellFormed else {
            report(.iceServers, .failed, "Link is not well formed")
            return report(.extensions, .skipped, "Link is not well formed")
        }
        if servers.isEmpty {
            report(.iceServers, .skipped, "none")
        } else {
            let wrong = servers.lazy.compactMap(Self.fault(of:)).first
            report(.iceServers, wrong == nil, wrong ?? "\(servers.count)")
        }
        if extensions.isEmpty {
            report(.extensions, .skipped, "none")
        } else {
            let lost = extensions.first { Endpoint.resolve($0.target, from: url) == nil }
            report(
                .extensions, lost == nil,
                (lost ?? extensions[0]).relations.joined(separator: " ") + (lost == nil ? "" : " leads nowhere"))
        }
    }

    /// What is wrong with the link of an ICE server (RFC 7064, RFC 7065, RFC 9725 §4.6); never holds a credential.
    private static func fault(of link: LinkField) -> String? {
        let parts = link.target.split(separator: ":", maxSplits: 1)
        let scheme = parts.first?.lowercased() ?? ""
        guard ["stun", "stuns", "turn", "turns"].contains(scheme), parts.count == 2, !parts[1].hasPrefix("/") else {
            return "the scheme \(Quoted.line(scheme)) with no host behind it, or none of STUN and TURN"
        }
        guard scheme.hasPrefix("turn") else { return nil }
        let isComplete = link.parameters["username"] != nil && link.parameters["credential"] != nil
        return isComplete ? nil : "a TURN server without username and credential"
    }

    private func judgeTag(_ session: OpenSession) {
        // A restart has changed the tag by now; the first answer tells what the tag was.
        let first = exchanges.last { $0.method == .post }?.response.fields[.eTag]
        guard let first else {
            return session.supportsRestart
                ? report(.entityTag, .failed, "no ETag") : report(.entityTag, .skipped, "no ETag, and no ICE restart")
        }
        report(.entityTag, EntityTag.isStrong(first), first)
    }
}
