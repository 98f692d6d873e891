import Foundation
import HTTPTypes

extension EndpointExamination {
    /// What an endpoint says to everybody, before any offer.
    func examineEndpoint() async {
        let options = await send(.options, endpoint.url)
        report(.options, options) { $0.status == 200 }
        report(.acceptPost, options, seen: value(.acceptPost, options)) {
            $0.fields.mediaTypes(.acceptPost).contains(MediaType.sdp)
        }
        await examinePreflight(
            .preflight, of: endpoint.url, methods: [.post], fields: ["authorization", "content-type"])

        report(.get, await send(.get, endpoint.url)) { $0.isSuccess && $0.body.isEmpty }
        let head = await send(.head, endpoint.url)
        report(.head, head, seen: value(.contentType, head)) { response in
            endpoint.kind == .whip
                ? response.isSuccess : response.status == 200 && response.mediaType == MediaType.sdp
        }

        let put = await send(.put, endpoint.url)
        report(.method, put) { $0.status == 405 || $0.status == 501 }
        guard case .success(let refusal) = put, refusal.status == 405 else {
            return skip([.allow], "there was no 405")
        }
        report(.allow, refusal.fields.words(.allow).contains("post"), refusal.fields[.allow] ?? "no Allow")
    }

    /// Asks what a browser asks before it sends anything (Fetch, CORS-preflight fetch): never with a token.
    func examinePreflight(_ row: Row, of url: URL, methods: [HTTPRequest.Method], fields: [String]) async {
        for method in methods {
            let outcome = await send(
                .options, url,
                [
                    .accessControlRequestMethod: method.rawValue,
                    .accessControlRequestHeaders: fields.joined(separator: ","),
                ],
                isAuthorized: false)
            guard case .success(let response) = outcome else {
                return report(row, outcome) { _ in false }
            }
            if let reason = obstacle(in: response, to: method, fields) { return report(row, .failed, reason) }
        }
        report(row, .passed, methods.map(\.rawValue).joined(separator: ", "))
    }

    private func obstacle(
        in response: ProbeResponse, to method: HTTPRequest.Method, _ fields: [String]
    ) -> String? {
        guard response.isSuccess else { return "\(method): \(response.status)" }
        guard isReadable(response) else { return "\(method): no Access-Control-Allow-Origin for \(endpoint.origin)" }
        let methods = response.fields.words(.accessControlAllowMethods)
        // POST needs no permission; it is one of the methods that forms can send.
        guard method == .post || methods.contains(method.rawValue.lowercased()) || methods.contains("*") else {
            return "\(method) is not in Access-Control-Allow-Methods"
        }
        let allowed = response.fields.words(.accessControlAllowHeaders)
        // The wildcard does not stand for Authorization (Fetch, CORS non-wildcard request-header name).
        let missing = fields.first { !allowed.contains($0) && ($0 == "authorization" || !allowed.contains("*")) }
        return missing.map { "\($0) is not in Access-Control-Allow-Headers" }
    }

    /// Whether a page of another site may read the answer at all.
    func isReadable(_ response: ProbeResponse) -> Bool {
        let origin = response.fields[.accessControlAllowOrigin]
        return origin == "*" || origin == endpoint.origin
    }

    /// A status with the value of a field, for the report.
    func value(_ name: HTTPField.Name, _ outcome: Outcome) -> String? {
        guard case .success(let response) = outcome else { return nil }
        return "\(response.status), \(response.fields[name].map { "\(name): \($0)" } ?? "no \(name)")"
    }
}
