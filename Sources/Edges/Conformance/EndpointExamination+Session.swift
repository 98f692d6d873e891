import Foundation
import HTTPTypes
import ICE
import Primitives
import SDP

extension EndpointExamination {
    /// Statuses of servers that do without trickling, restarts, or PATCH at all.
    private static let unsupported: Set<Int> = [405, 422, 501]

    /// Sends a fragment, or what stands for one, to a session.
    private func patch(
        _ session: inout OpenSession, _ body: String, match: String?, type: String = MediaType.fragment
    ) async -> Outcome {
        var fields: HTTPFields = [.contentType: type]
        if let match { fields[.ifMatch] = match }
        let outcome = await send(.patch, session.url, fields, body: body)
        if case .success(let response) = outcome, response.status == 404 || response.status == 410 {
            session.isGone = true
        }
        return outcome
    }

    func examineMethods(of session: OpenSession) async {
        let options = await send(.options, session.url)
        report(.acceptPatch, options, seen: value(.acceptPatch, options)) {
            $0.fields.mediaTypes(.acceptPatch).contains(MediaType.fragment)
        }
        await examinePreflight(
            .sessionPreflight, of: session.url, methods: [.patch, .delete],
            fields: ["authorization", "content-type", "if-match"])
        report(.sessionGet, await send(.get, session.url)) { $0.isSuccess && $0.body.isEmpty }
    }

    // MARK: Trickling

    func examineTrickle(_ session: inout OpenSession) async {
        let fragment = session.offer.fragment(session.credentials, candidates: ProbeOffer.candidates)
        let trickled = await patch(&session, fragment, match: session.match)
        let rows: [Row] = [
            .trickleTag, .trickleOdd, .patchUntagged, .patchStale, .patchType, .patchType415, .patchGarbage,
        ]
        guard case .success(let response) = trickled else {
            report(.trickle, trickled) { _ in false }
            return skip(rows, "PATCH was not answered")
        }
        if Self.unsupported.contains(response.status) {
            report(.trickle, .skipped, "\(response.status): not supported")
            report(.trickleTag, .skipped, "not supported")
            report(.trickleOdd, .skipped, "not supported")
        } else {
            report(.trickle, response.status == 204 && response.body.isEmpty, String(response.status))
            guard !session.isGone else { return skip(rows, "the session is gone") }
            session.supportsTrickle = response.isSuccess
            report(.trickleTag, response.fields[.eTag] == nil, response.fields[.eTag] ?? "none")
            let odd = session.offer.fragment(session.credentials, candidates: ProbeOffer.oddCandidates)
            report(.trickleOdd, await patch(&session, odd, match: session.match)) { $0.isSuccess }
        }
        await judgePatch(.patchUntagged, await patch(&session, fragment, match: nil), session) { $0.status == 428 }
        await judgePatch(.patchStale, await patch(&session, fragment, match: Self.foreignTag), session) {
            $0.status == 412
        }
        let typed = await patch(&session, fragment, match: session.match, type: "text/plain")
        await judgePatch(.patchType, typed, session) { $0.isRefusal }
        await judgePatch(.patchType415, typed, session) { $0.status == 415 }
        let garbage = await patch(&session, "this is no fragment\r\n", match: session.match)
        await judgePatch(.patchGarbage, garbage, session) { $0.isRefusal }
    }

    /// A tag that no session has.
    static let foreignTag = "\"conformance-no-such-tag\""

    /// Judges a PATCH, unless the server seems to know none.
    private func judgePatch(
        _ row: Row, _ outcome: Outcome, _ session: OpenSession, passes: (ProbeResponse) -> Bool
    ) async {
        if case .success(let response) = outcome {
            if !session.supportsTrickle, Self.unsupported.contains(response.status) {
                return report(row, .skipped, "\(response.status): not supported")
            }
            if response.status == 404 || response.status == 410 {
                return report(row, .failed, "\(response.status): the session is gone")
            }
        }
        report(row, outcome, passes: passes)
    }

    // MARK: Restarting

    func examineRestart(_ session: inout OpenSession) async {
        let rows: [Row] = [
            .restart, .restartType, .restartTag, .restartCredentials, .restartAttributes, .restartOldTag,
            .restartFailure,
        ]
        guard !session.isGone else { return skip(rows, "the session is gone") }
        let oldTag = session.tag
        let credentials = makeCredentials()
        let fragment = session.offer.fragment(credentials, candidates: ProbeOffer.candidates)
        let restarted = await patch(&session, fragment, match: "*")
        guard case .success(let response) = restarted else {
            report(.restart, restarted) { _ in false }
            return skip(rows, "the restart was not answered")
        }
        if Self.unsupported.contains(response.status) || response.status == 503 {
            report(.restart, .skipped, "\(response.status): not supported")
        } else {
            report(.restart, response.status == 200, String(response.status))
        }
        if response.status == 200 {
            session.supportsRestart = true
            session.credentials = credentials
            judgeRestart(response, session)
            session.tag = response.fields[.eTag] ?? session.tag
            await judgeOldTag(oldTag, &session)
        }
        skip(rows.filter { $0 != .restartFailure }, "there was no restart")
        await examineFailedRestart(&session)
    }

    private func judgeRestart(_ response: ProbeResponse, _ session: OpenSession) {
        report(.restartType, response.mediaType == MediaType.fragment, response.fields[.contentType] ?? "none")
        let tag = response.fields[.eTag]
        report(
            .restartTag, tag.map { EntityTag.isStrong($0) && $0 != session.tag } ?? false,
            tag == nil ? "no ETag" : tag == session.tag ? "the old ETag" : tag ?? "")
        guard let fragment = try? SDPFragment(parsing: response.body) else {
            report(.restartCredentials, .failed, "no fragment")
            return report(.restartAttributes, .skipped, "no fragment")
        }
        let (name, password) = (fragment.first("ice-ufrag"), fragment.first("ice-pwd"))
        if let name, let password {
            // RFC 8839 §4.4.1.1.1: both change in a restart.
            let isNew = !session.serverCredentials.contains(name) && !session.serverCredentials.contains(password)
            report(.restartCredentials, isNew, isNew ? "new ones" : "the old ones")
        } else {
            report(.restartCredentials, .failed, "not both")
        }
        guard let before = session.attributes else {
            return report(.restartAttributes, .skipped, "the answer could not be read")
        }
        let all = [fragment.attributes] + fragment.sections.map(\.attributes)
        let attributes = ICEAttributes(
            isLite: all.contains { $0.contains("ice-lite") }, options: Self.options(fragment.first("ice-options")))
        let isSame = attributes == before
        report(
            .restartAttributes, isSame,
            isSame
                ? (attributes.isLite ? "ice-lite" : "a full agent")
                : attributes.isLite != before.isLite ? "ice-lite differs" : "ice-options differ")
    }

    private func judgeOldTag(_ oldTag: String?, _ session: inout OpenSession) async {
        guard let oldTag, oldTag != session.tag else { return skip([.restartOldTag], "the tag is the same") }
        let fragment = session.offer.fragment(session.credentials, candidates: ProbeOffer.candidates)
        report(.restartOldTag, await patch(&session, fragment, match: oldTag)) { $0.status == 412 }
    }

    /// Asks for a restart with a password that is too short (RFC 8839 §5.4).
    private func examineFailedRestart(_ session: inout OpenSession) async {
        guard !session.isGone, session.supportsTrickle || session.supportsRestart else {
            return skip([.restartFailure], session.isGone ? "the session is gone" : "PATCH is not supported")
        }
        var credentials = makeCredentials()
        credentials.password = Secret("short")
        let broken = session.offer.fragment(credentials, candidates: ProbeOffer.candidates)
        guard case .success(let response) = await patch(&session, broken, match: "*"), response.isError else {
            return skip([.restartFailure], "a password of five letters was not refused")
        }
        // Without If-Match nothing changes, and yet the server has to find the session first.
        let fragment = session.offer.fragment(session.credentials, candidates: ProbeOffer.candidates)
        let outcome = await patch(&session, fragment, match: nil)
        let isAlive = !session.isGone
        report(.restartFailure, outcome, seen: "\(response.status), and the session is \(isAlive ? "alive" : "gone")") {
            _ in isAlive
        }
    }

    // MARK: Ending

    func examineEnd(_ session: inout OpenSession) async {
        let rows: [Row] = [.endIgnoresTag, .end, .end200, .endAgain, .endPatch]
        guard !session.isGone else {
            forget(session.url)
            return skip(rows, "the session was gone before")
        }
        var ended = await send(.delete, session.url, [.ifMatch: Self.foreignTag])
        report(.endIgnoresTag, ended) { $0.isSuccess }
        if case .success(let response) = ended, !response.isSuccess {
            ended = await send(.delete, session.url)
        }
        guard case .success(let response) = ended else {
            report(.end, ended) { _ in false }
            return skip(rows, "DELETE was not answered")
        }
        guard response.isSuccess else {
            report(.end, .failed, String(response.status))
            return skip(rows, "the session did not end")
        }
        report(.end200, response.status == 200, String(response.status))
        let fragment = session.offer.fragment(session.credentials, candidates: ProbeOffer.candidates)
        let patched = await patch(&session, fragment, match: session.match)
        if case .success(let response) = patched {
            report(.end, !response.isSuccess, response.isSuccess ? "PATCH still works afterwards" : "gone")
            if Self.unsupported.contains(response.status) {
                report(.endPatch, .skipped, "\(response.status): not supported")
            } else {
                report(.endPatch, session.isGone, String(response.status))
            }
            if !response.isSuccess { forget(session.url) }
        } else {
            report(.end, .passed, String(response.status))
            report(.endPatch, patched) { _ in false }
        }
        report(.endAgain, await send(.delete, session.url)) { $0.status == 404 || $0.status == 410 }
    }
}
