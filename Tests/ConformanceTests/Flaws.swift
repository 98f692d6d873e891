import Conformance
import Foundation
import HTTPTypes
import SDP

extension Flaw {
    /// What servers do wrong at an endpoint and in the answer to an offer.
    static let ofEndpoints: [Flaw] = [
        Flaw("OPTIONS is 204", fails: [.options]) {
            if $0.isPlainOptions, $0.isEndpoint { $1.status = 204 }
        },
        Flaw("OPTIONS has no Accept-Post", fails: [.acceptPost]) { $1.fields[.acceptPost] = nil },
        Flaw("a preflight needs a token", fails: [.preflight]) {
            if $0.isPreflight, $0.isEndpoint { $1.status = 401 }
        },
        Flaw("a preflight does not allow Authorization", fails: [.preflight]) {
            if $0.isEndpoint { $1.fields[.accessControlAllowHeaders] = "Content-Type, *" }
        },
        Flaw("GET is 405", fails: [.get]) {
            if $0.method == .get, $0.isEndpoint {
                $1.status = 405
                $1.fields[.allow] = "POST"
            }
        },
        Flaw("GET has content", fails: [.get]) {
            if $0.method == .get, $0.isEndpoint { $1 = ProbeResponse(status: 200, body: [0x61]) }
        },
        Flaw("HEAD is 204", fails: [.head]) { if $0.method == .head { $1.status = 204 } },
        Flaw("HEAD is 404 at a WHIP endpoint", .whip, fails: [.head]) { if $0.method == .head { $1.status = 404 } },
        Flaw("PUT is 400", fails: [.method]) { if $0.method == .put { $1.status = 400 } },
        Flaw("405 has no Allow", fails: [.allow]) { if $0.method == .put { $1.fields[.allow] = nil } },

        Flaw("an offer is answered with 200", fails: [.created]) { if $1.status == 201 { $1.status = 200 } },
        Flaw("the answer is text/plain", fails: [.answerType]) {
            if $1.status == 201 { $1.fields[.contentType] = "text/plain" }
        },
        Flaw("there is no Location", fails: [.location], leavesSessions: true) {
            if $1.status == 201 { $1.fields[.location] = nil }
        },
        Flaw("the ETag is weak", tagged: { "W/" + $0 }, read: { $0.hasPrefix("W/") ? String($0.dropFirst(2)) : $0 }),
        Flaw(
            "the ETag has no quotes", .whip, tagged: { String($0.dropFirst().dropLast()) },
            read: { $0.hasPrefix("\"") ? $0 : "\"\($0)\"" }),
        Flaw("there is no ETag", fails: [.entityTag]) { if $1.status == 201 { $1.fields[.eTag] = nil } },
        Flaw("a TURN server has no credential", fails: [.iceServers]) {
            if $1.status == 201 { $1.fields[.link] = "<turn:turn.example.net>; rel=ice-server; username=u" }
        },
        Flaw("an ICE server is a web address", fails: [.iceServers]) {
            if $1.status == 201 { $1.fields[.link] = "<https://turn.example.net>; rel=\"ice-server\"" }
        },
        Flaw("Link is broken", fails: [.iceServers]) {
            if $1.status == 201 { $1.fields[.link] = "stun:stun.example.net; rel=\"ice-server\"" }
        },
        Flaw("an extension leads nowhere", fails: [.extensions]) {
            if $1.status == 201 { $1.fields[.link] = "<>; rel=\"urn:ietf:params:whep:ext:core:layer\"" }
        },
    ]

    static let ofAnswers: [Flaw] = [
        Flaw("the answer is no session description", fails: [.answerSyntax]) {
            if $1.status == 201 { $1.body = Array("{}".utf8) }
        },
        answer("a section is missing", fails: [.answerSections]) {
            $0.media.removeLast()
            $0.attributes.elements.removeAll { $0.name == "group" }
            $0.attributes.append("group", "BUNDLE 0")
        },
        answer("sections have another order", fails: [.answerSections, .answerFormats]) {
            $0.media.swapAt(0, 1)
        },
        answer("the mid is another", fails: [.answerSections, .answerBundle]) {
            $0.media[1].attributes.elements = $0.media[1].attributes.elements.map { element in
                element.name == "mid" ? SDPAttribute("mid", "other") : element
            }
        },
        answer("the audio is rejected", .whip, fails: [.answerComplete]) { $0.media[0].port = 0 },
        answer("everything is rejected", .whip, fails: [.answerComplete]) {
            for index in $0.media.indices { $0.media[index].port = 0 }
        },
        answer("there is no BUNDLE group", fails: [.answerBundle]) { $0.remove("group") },
        answer("there is no rtcp-mux", fails: [.answerMultiplexing]) { $0.remove("rtcp-mux") },
        answer("a viewer is told sendrecv", fails: [.answerDirection]) {
            $0.remove("sendonly")
            $0.attributes.append("sendrecv")
        },
        answer("a publisher is told nothing", .whip, fails: [.answerDirection]) { $0.remove("recvonly") },
        answer("a format was not offered", fails: [.answerFormats]) { $0.media[1].formats = ["126"] },
        answer("a format means something else", fails: [.answerFormats]) {
            $0.media[1].attributes.elements.removeAll { $0.name == "rtpmap" }
            $0.media[1].attributes.append("rtpmap", "\($0.media[1].formats[0]) VP9/90000")
        },
        answer("a header extension has another ID", fails: [.answerHeaderExtensions]) {
            $0.set("extmap", "5 urn:ietf:params:rtp-hdrext:sdes:mid")
        },
        answer("a track has no msid", fails: [.answerStream]) {
            $0.media[1].attributes.elements.removeAll { $0.name == "msid" }
        },
        answer("tracks have streams of their own", fails: [.answerStream]) {
            $0.media[1].attributes.elements.removeAll { $0.name == "msid" }
            $0.media[1].attributes.append("msid", "second video")
        },
        answer("setup stays undecided", fails: [.answerSetup]) { $0.set("setup", "actpass") },
        answer("there is no fingerprint", fails: [.answerFingerprint]) { $0.remove("fingerprint") },
        answer("the fingerprint is by SHA-1", fails: [.answerFingerprint]) {
            $0.set("fingerprint", "sha-1 " + Array(repeating: "AB", count: 20).joined(separator: ":"))
        },
        answer("the ICE password is short", .whip, fails: [.answerCredentials]) { $0.set("ice-pwd", "short") },
        answer("there is no ICE user name", fails: [.answerCredentials]) { $0.remove("ice-ufrag") },
        answer("there are no candidates", fails: [.answerCandidates]) { $0.remove("candidate") },
        answer("all candidates are multicast names", fails: [.answerCandidates]) {
            $0.set("candidate", "1 1 udp 2130706431 0e1c.local 8100 typ host")
        },
        answer("a candidate cannot be read", fails: [.answerCandidates]) { $0.set("candidate", "1 1 udp") },
        answer("ice-lite stands in a section", fails: [.answerLite]) {
            $0.remove("ice-lite")
            $0.media[0].attributes.append("ice-lite")
        },
    ]
}
