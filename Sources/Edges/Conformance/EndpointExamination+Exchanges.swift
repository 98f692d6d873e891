import Foundation
import HTTPTypes

extension EndpointExamination {
    /// What all answers of a run have in common.
    func judgeExchanges() {
        judgeDates()
        let sent = exchanges.filter { [.post, .patch, .delete].contains($0.method) }
        judgeCrossOrigin(.cors, sent.filter { !$0.response.isError }, [.location, .eTag, .link])
        let refused = sent.filter(\.response.isError)
        judgeCrossOrigin(.errorCORS, refused, [.location, .link, .retryAfter])
        let errors = refused.filter { !$0.response.isCounterOffer }
        guard !errors.isEmpty else { return skip([.errorType, .errorSecrets, .problem, .problemMembers], "no errors") }
        judge(.errorType, errors.filter { !$0.response.body.isEmpty }, without: "errors with a body") {
            $0.mediaType == nil ? "no Content-Type" : nil
        }
        judge(.errorSecrets, errors, without: "errors") { response in
            let text = String(decoding: response.body, as: UTF8.self)
            return secrets.contains { !$0.isEmpty && text.contains($0) } ? "it repeats what we sent" : nil
        }
        judge(.problem, errors, without: "errors") {
            $0.mediaType == MediaType.problem ? nil : $0.mediaType ?? "no Content-Type"
        }
        judge(.problemMembers, errors.filter { $0.response.mediaType == MediaType.problem }, without: "problems") {
            Self.fault(of: $0)
        }
    }

    /// Passes when nothing is wrong with any of `exchanges`.
    private func judge(
        _ row: Row, _ exchanges: [Exchange], without what: String, fault: (ProbeResponse) -> String?
    ) {
        guard !exchanges.isEmpty else { return report(row, .skipped, "no \(what)") }
        let wrong = exchanges.compactMap { exchange in
            fault(exchange.response).map { "\(exchange.method) \(exchange.response.status): \($0)" }
        }
        report(row, wrong.isEmpty, wrong.isEmpty ? "\(exchanges.count) of \(exchanges.count)" : summary(wrong))
    }

    private func summary(_ wrong: [String]) -> String {
        let rest = wrong.count - 1
        return (wrong.first ?? "") + (rest > 0 ? ", and \(rest) more" : "")
    }

    /// Scripts have to be able to read those of `names` that an answer has.
    private func judgeCrossOrigin(_ row: Row, _ exchanges: [Exchange], _ names: [HTTPField.Name]) {
        judge(row, exchanges, without: "such answers") { response in
            guard isReadable(response) else { return "no Access-Control-Allow-Origin" }
            let exposed = response.fields.words(.accessControlExposeHeaders)
            guard !exposed.contains("*") else { return nil }
            let hidden = names.first { response.fields[$0] != nil && !exposed.contains($0.canonicalName) }
            return hidden.map { "\($0) is not exposed" }
        }
    }

    private func judgeDates() {
        let dated = exchanges.filter { $0.response.status < 500 }
        let now = world.now()
        judge(.date, dated, without: "answers") { response in
            guard let text = response.fields[.date] else { return "no Date" }
            guard let date = HTTPDate.parse(text) else { return "no date: \(text)" }
            // Whose clock is wrong we cannot tell, but nobody's should be by a day.
            return abs(date - now) > 86_400 ? "a day or more away: \(text)" : nil
        }
    }

    private static func fault(of response: ProbeResponse) -> String? {
        guard let object = try? JSONSerialization.jsonObject(with: Data(response.body)),
            let problem = object as? [String: Any]
        else { return "no JSON object" }
        guard problem["type"] is String else { return "no type" }
        guard problem["title"] is String else { return "no title" }
        guard let status = problem["status"] as? Int else { return "no status" }
        return status == response.status ? nil : "status \(status)"
    }
}
