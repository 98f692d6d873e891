import Gateway
import HTTPService
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Primitives
import Testing

@Suite("Counter-offers over HTTP")
struct CounterOfferTests {
    private func offered() async throws -> (Client, TestResponse) {
        let client = await Client()
        client.gateway.makeOffers(until: 784_111_777)
        return (client, try await client.send(.post, "/whep/cam", Client.sdp, body: "v=0 offer"))
    }

    @Test func `an offer of ours is 406 with where its answer goes, and until when`() async throws {
        let (_, offer) = try await offered()
        #expect(offer.status == .notAcceptable)
        #expect(offer.headers[.contentType] == "application/sdp; valid-until=\"Sun, 06 Nov 1994 08:49:37 GMT\"")
        #expect(offer.headers[.location] == "/whep/cam/session-1")
        #expect(offer.headers[.eTag] == "\"tag\"")
        #expect(offer.headers[.accessControlExposeHeaders]?.contains("Location") == true)
        #expect(offer.headers[.link] != nil)
        #expect(offer.text == "v=0 answer")
    }

    @Test func `the answer comes by PATCH, and is answered with 204 without a tag`() async throws {
        let (client, _) = try await offered()
        #expect(try await client.send(.get, "/whep/cam/session-1").status == .noContent)
        let answered = try await client.send(.patch, "/whep/cam/session-1", Client.sdp, body: "v=0 mine")
        #expect(answered.status == .noContent && answered.headers[.eTag] == nil)
        #expect(client.gateway.calls.last?.what == "answer")
        #expect(client.gateway.calls.last?.body == Array("v=0 mine".utf8))
        // From now on the session is one like any other.
        let again = try await client.send(.patch, "/whep/cam/session-1", Client.sdp, body: "v=0 mine")
        try expectProblem(again, 415, "unsupported-media-type")
    }

    @Test(arguments: [("\"tag\"", 204), ("*", 204), ("\"other\"", 412)])
    func `an answer needs no tag, but one that is sent has to be right`(tag: String, status: Int) async throws {
        let (client, _) = try await offered()
        let fields: HTTPFields = [.contentType: "application/sdp", .ifMatch: tag]
        #expect(try await client.send(.patch, "/whep/cam/session-1", fields, body: "v=0").status.code == status)
    }

    @Test func `candidates before the answer are of the wrong type`() async throws {
        let (client, _) = try await offered()
        let fields: HTTPFields = [.contentType: "application/trickle-ice-sdpfrag", .ifMatch: "*"]
        let early = try await client.send(.patch, "/whep/cam/session-1", fields, body: "a=candidate")
        try expectProblem(early, 415, "unsupported-media-type")
        #expect(early.headers[.acceptPatch] == "application/sdp")
    }

    @Test(arguments: [(GatewayRefusal.Code.malformedAnswer, 400), (.unsuitableAnswer, 422), (.unknownSession, 404)])
    func `a wrong answer is a problem`(code: GatewayRefusal.Code, status: Int) async throws {
        let (client, _) = try await offered()
        client.gateway.refuse(with: GatewayRefusal(code, "Why."))
        let answer = try await client.send(.patch, "/whep/cam/session-1", Client.sdp, body: "v=0")
        #expect(try expectProblem(answer, status, code.name) == "Why.")
    }

    @Test func `viewers may patch with both types, and publishers with one`() async throws {
        let client = await Client()
        let viewer = try await client.send(.options, "/whep/cam/session-1")
        #expect(viewer.headers[.acceptPatch] == "application/trickle-ice-sdpfrag, application/sdp")
        let publisher = try await client.send(.options, "/whip/cam/session-1")
        #expect(publisher.headers[.acceptPatch] == "application/trickle-ice-sdpfrag")
    }

    @Test func `a session that is gone says why, whatever is asked of it`() async throws {
        let client = await Client()
        for method in [HTTPRequest.Method.get, .delete, .patch] {
            let answer = try await client.send(method, "/whep/cam/gone", Client.sdp)
            #expect(try expectProblem(answer, 404, "unknown-session") == "There is no such session.")
        }
        #expect(try await client.send(.head, "/whep/cam/gone").status == .notFound)
    }
}
