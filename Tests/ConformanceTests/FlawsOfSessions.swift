import Conformance
import Foundation
import HTTPTypes
import SDP

extension Flaw {
    /// What the reference server makes up for its first session.
    private static let firstName = "ufrag1" + String(repeating: "x", count: 24)
    private static let firstTag = "\"tag4" + String(repeating: "x", count: 24) + "\""

    static let ofSessions: [Flaw] = [
        Flaw("a session's preflight does not allow If-Match", fails: [.sessionPreflight]) {
            if $0.isSession { $1.fields[.accessControlAllowHeaders] = "Authorization, Content-Type" }
        },
        Flaw("a session's preflight does not allow DELETE", fails: [.sessionPreflight]) {
            if $0.isPreflight, $0.isSession { $1.fields[.accessControlAllowMethods] = "PATCH" }
        },
        Flaw("a session has no Accept-Patch", fails: [.acceptPatch]) { $1.fields[.acceptPatch] = nil },
        Flaw("GET of a session is 405", fails: [.sessionGet]) {
            if $0.method == .get, $0.isSession { $1.status = 405 }
        },
        Flaw("a trickle is answered with 200", fails: [.trickle]) {
            if $0.isPatch, $1.status == 204, $0.fields[.contentType] != "application/sdp" { $1.status = 200 }
        },
        Flaw("a trickle is answered with an ETag", .whip, fails: [.trickleTag]) {
            if $0.isPatch, $1.status == 204 { $1.fields[.eTag] = "\"tag\"" }
        },
        Flaw("a candidate that cannot be used is an error", fails: [.trickleOdd]) { request, response in
            guard request.isPatch, String(decoding: request.body ?? [], as: UTF8.self).contains("sctp") else { return }
            response.change(to: 400)
        },
        Flaw("PATCH needs no If-Match", fails: [.patchUntagged]) {
            if $1.status == 428 { $1 = ProbeResponse(status: 204, fields: $1.fields.readable) }
        },
        Flaw("If-Match is not read", .whip, fails: [.patchStale, .restartOldTag]) {
            if $1.status == 412 { $1 = ProbeResponse(status: 204, fields: $1.fields.readable) }
        },
        Flaw("a fragment may be text", fails: [.patchType, .patchType415]) {
            if $0.isPatch, $1.status == 415 { $1 = ProbeResponse(status: 204, fields: $1.fields.readable) }
        },
        Flaw("a fragment that is text is 406", fails: [.patchType415]) {
            if $0.isPatch, $1.status == 415 { $1.change(to: 406) }
        },
        Flaw("a broken fragment is taken", fails: [.patchGarbage]) {
            if $0.isPatch, $0.fields[.contentType] != "application/sdp", $1.status == 400,
                String(decoding: $0.body ?? [], as: UTF8.self).hasPrefix("this")
            {
                $1 = ProbeResponse(status: 204, fields: $1.fields.readable)
            }
        },

        Flaw("a restart is answered with 204", fails: [.restart]) {
            if $0.isPatch, $1.status == 200 { $1 = ProbeResponse(status: 204, fields: $1.fields.readable) }
        },
        Flaw("a restart is not read as one", fails: [.restart]) {
            if $0.isPatch, $1.status == 200 { $1.change(to: 412) }
        },
        Flaw("a restart is answered with SDP", fails: [.restartType]) {
            if $0.isPatch, $1.status == 200 { $1.fields[.contentType] = "application/sdp" }
        },
        Flaw("a restart has no ETag", fails: [.restartTag]) {
            if $0.isPatch, $1.status == 200 { $1.fields[.eTag] = nil }
        },
        Flaw("a restart has a weak ETag", fails: [.restartTag]) {
            if $0.isPatch, $1.status == 200, let tag = $1.fields[.eTag] { $1.fields[.eTag] = "W/" + tag }
        },
        Flaw("a restart keeps the ETag", fails: [.restartTag]) {
            if $0.isPatch, $1.status == 200 { $1.fields[.eTag] = firstTag }
        },
        Flaw("a restart keeps the user name", fails: [.restartCredentials]) {
            $0.changeRestart(&$1) { lines in
                lines.map { $0.hasPrefix("a=ice-ufrag") ? "a=ice-ufrag:\(firstName)" : $0 }
            }
        },
        Flaw("a restart answers without a password", fails: [.restartCredentials]) {
            $0.changeRestart(&$1) { lines in
                lines.filter { !$0.hasPrefix("a=ice-pwd") }
            }
        },
        Flaw("a restart drops ice-lite", fails: [.restartAttributes]) {
            $0.changeRestart(&$1) { lines in
                lines.filter { $0 != "a=ice-lite" }
            }
        },
        Flaw("a restart changes the ice-options", fails: [.restartAttributes]) {
            $0.changeRestart(&$1) { lines in
                lines.map { $0.hasPrefix("a=ice-options") ? "a=ice-options:ice2" : $0 }
            }
        },
        Flaw("a failed restart ends the session", fails: [.restartFailure, .mediaSurvives]) { request, state in
            if request.isPatch, String(decoding: request.body ?? [], as: UTF8.self).contains("ice-pwd:short") {
                state.sessions[request.session] = nil
            }
        },

        Flaw("DELETE heeds If-Match", fails: [.endIgnoresTag]) { request, _ in
            if request.isDelete, request.fields[.ifMatch] != nil { request.method = .put }
        },
        Flaw("DELETE is 204", .whip, fails: [.end200]) { if $0.isDelete, $1.status == 200 { $1.status = 204 } },
        Flaw("a second DELETE is 200", fails: [.endAgain]) {
            if $0.isDelete, $1.status == 404 { $1 = ProbeResponse(status: 200, fields: $1.fields.readable) }
        },
        Flaw("PATCH of an ended session is 500", fails: [.endPatch]) {
            if $0.isPatch, $0.fields[.ifMatch] != nil, $1.status == 404 { $1.change(to: 500) }
        },
        Flaw("DELETE ends nothing", fails: [.end, .endPatch]) { request, response in
            if request.isPatch, request.fields[.ifMatch] != nil, response.status == 404 {
                response = ProbeResponse(status: 204, fields: response.fields.readable)
            }
        },
        Flaw("DELETE is refused", fails: [.endIgnoresTag, .end]) {
            if $0.isDelete { $1.change(to: 403) }
        },
        Flaw(keepingAbandoned: "a session that never connects stays"),
    ]

    static let ofRefusals: [Flaw] = [
        Flaw("any media type is an offer", fails: [.type, .type415]) {
            if $0.isPost, $1.status == 415 { $1 = ProbeResponse(status: 201, fields: $1.fields.readable) }
        },
        Flaw("another media type is 400", .whip, fails: [.type415]) {
            if $0.isPost, $1.status == 415 { $1.change(to: 400) }
        },
        Flaw("what is no offer is a fault of the server", fails: [.garbage, .garbage400]) {
            if $0.isPost, $1.status == 400 { $1.change(to: 500) }
        },
        Flaw("what is no offer is 404", fails: [.garbage400]) { if $0.isPost, $1.status == 400 { $1.change(to: 404) } },
        Flaw("unknown codecs are 500", fails: [.codecs]) { if $1.status == 406, $1.isProblem { $1.change(to: 500) } },
        Flaw("a megabyte is read to its end", fails: [.size]) { if $1.status == 413 { $1.change(to: 400) } },
        Flaw("a bad token is 403", fails: [.token]) { if $1.status == 401 { $1.change(to: 403) } },
        Flaw("a 401 does not say how", .whip, fails: [.challenge]) { $1.fields[.wwwAuthenticate] = nil },
        Flaw("a stream that nobody publishes is 500", fails: [.idle]) { if $1.status == 409 { $1.change(to: 500) } },
        Flaw("409 has no Retry-After", fails: [.retryAfter]) { $1.fields[.retryAfter] = nil },
        Flaw("Retry-After is a word", fails: [.retryAfter]) { if $1.status == 409 { $1.fields[.retryAfter] = "soon" } },

        Flaw("a counter-offer has no Location", fails: [.counterOffer], leavesSessions: true) {
            if $1.status == 406, !$1.isProblem { $1.fields[.location] = nil }
        },
        Flaw("a counter-offer is an answer", fails: [.counterOfferSDP]) {
            $1.changeCounterOffer { offer in
                offer.set("setup", "active")
            }
        },
        Flaw("a counter-offer wants to receive", fails: [.counterOfferSDP]) {
            $1.changeCounterOffer { offer in
                offer.remove("sendonly")
                offer.attributes.append("recvonly")
            }
        },
        Flaw("valid-until is no date", fails: [.counterOfferValidity]) {
            if $1.status == 406, !$1.isProblem { $1.fields[.contentType] = "application/sdp; valid-until=30" }
        },
        Flaw("any answer to a counter-offer will do", fails: [.counterOfferGarbage]) {
            if $0.isPatch, $0.fields[.contentType] == "application/sdp", $1.isProblem { $1.change(to: 204) }
        },
        Flaw("an answer is answered with 200", fails: [.counterOfferAnswer]) {
            if $0.isPatch, $0.fields[.contentType] == "application/sdp", $1.status == 204 { $1.status = 200 }
        },

        Flaw("an answer cannot be read by other sites", fails: [.cors]) {
            if $1.status == 201 { $1.fields[.accessControlAllowOrigin] = "https://other.example" }
        },
        Flaw("ETag is not exposed", .whip, fails: [.cors]) {
            if !$1.isError { $1.fields[.accessControlExposeHeaders] = "Location, Link" }
        },
        Flaw("errors cannot be read by other sites", fails: [.errorCORS]) {
            if $0.isPost, $1.isError { $1.fields[.accessControlAllowOrigin] = nil }
        },
        Flaw("Retry-After is not exposed", fails: [.errorCORS]) {
            if $1.isError { $1.fields[.accessControlExposeHeaders] = "Location, Link" }
        },
        Flaw("an error has no media type", fails: [.errorType, .problem]) {
            if $1.status == 415 { $1.fields[.contentType] = nil }
        },
        Flaw("an error repeats the offer", fails: [.errorSecrets]) {
            guard $1.status == 409, let offer = try? SessionDescription(parsing: $0.body ?? []) else { return }
            let password = ReferenceAnswer.credentials(offer)[1]
            $1.body = Array("{\"type\":\"x\",\"title\":\"\(password)\",\"status\":409}".utf8)
        },
        Flaw("errors are text", .whip, fails: [.problem]) {
            if $1.isProblem { $1.fields[.contentType] = "text/plain" }
        },
        Flaw("a problem has no title", fails: [.problemMembers]) {
            if $1.status == 413 { $1.body = Array("{\"type\":\"about:blank\",\"status\":413}".utf8) }
        },
        Flaw("a problem tells another status", fails: [.problemMembers]) {
            if $1.status == 413 { $1.body = Array("{\"type\":\"x\",\"title\":\"x\",\"status\":400}".utf8) }
        },
        Flaw("a problem is no object", fails: [.problemMembers]) { if $1.status == 413 { $1.body = Array("[]".utf8) } },
    ]

    static let ofMedia: [Flaw] = [
        Flaw("no address answers", media: .unreachable, fails: [.mediaConnected]),
        Flaw("no media comes", media: .mute, fails: [.mediaReceived]),
        Flaw("a failed restart ends the transport", .whip, media: .fragile, fails: [.mediaSurvives]),
        Flaw("a failed restart stops the media", media: .startled, fails: [.mediaSurvives]),
        Flaw("nobody answers after a restart", media: .stranded, fails: [.mediaRestarts]),
        Flaw("a restart stops the media", media: .mutedByRestart, fails: [.mediaRestarts]),
        Flaw("a restart ends a publisher", .whip, media: .endedByRestart, fails: [.mediaRestarts]),
        Flaw("nobody is behind a counter-offer", media: .deafToAnswers, fails: [.counterOfferConnected]),
        Flaw("media comes after DELETE", media: .endless, fails: [.mediaEnds]),
        Flaw("a publisher is answered after DELETE", .whip, media: .endless, fails: [.mediaEnds]),
    ]

    static let all = ofEndpoints + ofAnswers + ofSessions + ofRefusals + ofMedia
}

extension HTTPFields {
    /// What every answer has, so that a changed answer differs in one thing alone.
    fileprivate var readable: HTTPFields {
        [
            .accessControlAllowOrigin: self[.accessControlAllowOrigin] ?? "*",
            .accessControlExposeHeaders: self[.accessControlExposeHeaders] ?? "",
        ]
    }
}

extension ProbeResponse {
    fileprivate var isProblem: Bool { mediaType == "application/problem+json" }

    /// Another status, told by the body as well.
    fileprivate mutating func change(to status: Int) {
        self.status = status
        fields[.contentType] = "application/problem+json"
        body = Array("{\"type\":\"about:blank\",\"title\":\"Problem\",\"status\":\(status)}".utf8)
    }

    fileprivate mutating func changeCounterOffer(_ change: (inout SessionDescription) -> Void) {
        guard status == 406, !isProblem, var offer = try? SessionDescription(parsing: body) else { return }
        change(&offer)
        body = Array(offer.text.utf8)
    }
}

extension ProbeRequest {
    fileprivate func changeRestart(_ response: inout ProbeResponse, _ change: ([String]) -> [String]) {
        guard isPatch, response.status == 200 else { return }
        let lines = String(decoding: response.body, as: UTF8.self).split(separator: "\r\n").map(String.init)
        response.body = Array(change(lines).map { $0 + "\r\n" }.joined().utf8)
    }
}
