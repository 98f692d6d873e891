import Foundation
import HTTPTypes
import SDP

extension EndpointExamination {
    /// What an endpoint must not take.
    func examineRefusals() async {
        let offer = makeOffer()
        await examineRefusal(.type, .type415, statuses: [415], await post(offer.text, type: "text/plain"))
        await examineRefusal(
            .garbage, .garbage400, statuses: [400, 422], await post("this is no session description\r\n"))
        await examineCodecs()
        await examineSize(offer)
        await examineToken(offer)
    }

    private func examineRefusal(
        _ row: Row, _ exact: Row, statuses: Set<Int>, _ post: Post
    ) async {
        report(row, post.outcome) { $0.isRefusal }
        report(exact, post.outcome) { statuses.contains($0.status) }
        await endSession(openedBy: post)
    }

    private func examineCodecs() async {
        let offer = makeOffer(codecs: .unknown)
        let post = await post(offer.text)
        if case .success(let response) = post.outcome, Self.saysNothing(response.status) {
            report(.codecs, .skipped, String(response.status))
        } else {
            report(.codecs, post.outcome) { $0.status == 406 || $0.status == 422 }
        }
        await endSession(openedBy: post)
    }

    /// Refusals for a reason that has nothing to do with the offer.
    private static func saysNothing(_ status: Int) -> Bool {
        [401, 403, 404, 409, 503].contains(status)
    }

    private func examineSize(_ offer: ProbeOffer) async {
        let line = "a=x-conformance:" + String(repeating: "x", count: 110) + "\r\n"
        let post = await post(offer.text + String(repeating: line, count: (1 << 20) / line.utf8.count))
        if case .failure(.broken(let reason)) = post.outcome, !exchanges.isEmpty {
            // RFC 9110 §15.5.14 lets a server hang up on who sends that much.
            report(.size, .passed, reason)
        } else {
            report(.size, post.outcome) { $0.status == 413 }
        }
        await endSession(openedBy: post)
    }

    /// Once, for servers count bad tokens.
    private func examineToken(_ offer: ProbeOffer) async {
        let token = "conformance-" + letters(12)
        note(secret: token)
        let post = await post(offer.text, token: token)
        guard case .success(let response) = post.outcome else {
            report(.token, post.outcome) { _ in false }
            return skip([.challenge], "there was no 401")
        }
        if response.isSuccess {
            report(.token, .skipped, "\(response.status): tokens are not looked at")
        } else if Self.saysNothing(response.status), response.status != 401, response.status != 403 {
            report(.token, .skipped, String(response.status))
        } else {
            report(.token, response.status == 401, String(response.status))
        }
        if response.status == 401 {
            let challenge = response.fields[.wwwAuthenticate]
            report(
                .challenge, challenge?.lowercased().hasPrefix("bearer") ?? false,
                challenge.map { String($0.prefix { $0 != " " }) } ?? "no WWW-Authenticate")
        } else {
            report(.challenge, .skipped, "there was no 401")
        }
        await endSession(openedBy: post)
    }

    private func letters(_ count: Int) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz")
        return String((0..<count).map { _ in alphabet[Int(world.generator.next() % 26)] })
    }

    // MARK: A stream that nobody publishes

    func examineIdleStream() async {
        guard endpoint.kind == .whep else { return }
        guard let url = endpoint.idle ?? endpoint.neighbour("conformance-" + letters(12)) else {
            return skip([.idle, .retryAfter], "the path has no stream; name an idle one with --idle")
        }
        let offer = makeOffer()
        let post = await post(offer.text, to: url)
        await endSession(openedBy: post)
        guard case .success(let response) = post.outcome else {
            report(.idle, post.outcome) { _ in false }
            return skip([.retryAfter], "there was no 409")
        }
        switch response.status {
        case 200...299: report(.idle, .skipped, "\(response.status): viewers may wait for a publisher")
        case 401, 403: report(.idle, .skipped, "\(response.status) for another stream; name one with --idle")
        // A name that we made up may not be one that the server could know.
        case 404 where endpoint.idle == nil: report(.idle, .skipped, "404; name an idle stream with --idle")
        default: report(.idle, response.status == 409, String(response.status))
        }
        guard response.status == 409 else { return report(.retryAfter, .skipped, "there was no 409") }
        let wait = response.fields[.retryAfter]
        report(.retryAfter, wait.map(Self.isWait) ?? false, wait ?? "no Retry-After")
    }

    /// Seconds or a date (RFC 9110 §10.2.3).
    private static func isWait(_ text: String) -> Bool {
        let isNumber = !text.isEmpty && text.utf8.count <= 9 && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isNumber || HTTPDate.parse(text) != nil
    }

    // MARK: What takes long

    /// How long a session that nobody connects to may last.
    static let patience = 90

    func examineAbandonment() async {
        guard includesSlow else { return skip([.abandoned], "slow; ask for it with --slow") }
        let offer = makeOffer()
        let post = await post(offer.text)
        guard let response = post.acceptance, let session = location(response, from: post.url) else {
            return skip([.abandoned], "no session was made")
        }
        let fragment = offer.fragment(offer.credentials, candidates: ProbeOffer.candidates)
        for elapsed in stride(from: 15, through: Self.patience, by: 15) {
            await world.wait(.seconds(15))
            // Without If-Match nothing changes, and yet the server has to find the session first.
            let outcome = await send(.patch, session, [.contentType: MediaType.fragment], body: fragment)
            guard case .success(let response) = outcome else {
                report(.abandoned, outcome) { _ in false }
                return
            }
            if response.status == 404 || response.status == 410 {
                forget(session)
                return report(.abandoned, .passed, "gone within \(elapsed) s")
            }
            if response.status == 405 || response.status == 501 {
                return report(.abandoned, .skipped, "\(response.status): PATCH is not supported")
            }
        }
        report(.abandoned, .failed, "there after \(Self.patience) s")
    }
}
