import Auth
import Foundation
import Primitives
import Telemetry
import Testing

@testable import Webhooks

@Suite("Decisions of applications")
struct WebhookDecisionTests {
    private let application = FakeApplication()
    private let signer = WebhookSigner(secret: Secret("0123456789abcdef0123456789abcdef"))

    private func decisions(
        _ asked: Set<Permission> = [.publish, .play], allowsOnFailure: Bool = false
    ) -> WebhookDecisions {
        WebhookDecisions(
            configuration: WebhookConfiguration(
                decisions: asked, allowsOnFailure: allowsOnFailure, timeout: .seconds(3), node: "node-1"),
            transport: application, signer: signer, now: { [application] in application.now },
            wallClock: { Timestamp(milliseconds: 1_700_000_000_000) })
    }

    private func question(
        way: AccessQuestion.Way = .whip, address: String = "192.0.2.7", credential: Secret? = nil
    ) throws -> AccessQuestion {
        AccessQuestion(
            permission: way == .whip || way == .rtmp ? .publish : .play, stream: try #require(StreamName("cam")),
            way: way, address: address, kind: .token, subject: "studio", tokenID: "id-1", credential: credential)
    }

    @Test func `the application learns who wants what, and can check who asks`() async throws {
        _ = await decisions().decide(try question())
        let request = try #require(application.requests.first)
        #expect(
            request.text == """
                {"data":{"address":"192.0.2.7","credential":{"id":"id-1","kind":"token","subject":"studio"},\
                "stream":"cam","transport":"whip"},"node":"node-1","timestamp":"2023-11-14T22:13:20.000Z",\
                "type":"publish.requested"}
                """)
        let id = try #require(request["webhook-id"])
        #expect(request["webhook-timestamp"] == "1700000000")
        #expect(
            request["webhook-signature"] == signer.sign(id: id, timestamp: 1_700_000_000, body: request.body))
    }

    private static let answers: [(WebhookAnswer, AccessVerdict)] = [
        (.init(status: 204), .allowed(.init())),
        (.init(status: 200, type: "text/plain", body: Array("ok".utf8)), .allowed(.init())),
        (.json(200, "{}"), .allowed(.init())),
        (.json(200, "{\"allow\":true}"), .allowed(.init())),
        (
            .json(201, "{\"allow\":true,\"expires_in\":60,\"max_bitrate\":5000000,\"record\":false}"),
            .allowed(.init(expiresAt: 1_700_000_060, maximumBitrate: 5_000_000, record: false))
        ),
        (
            .json(200, "{\"expires_in\":-5,\"max_bitrate\":-5}"),
            .allowed(.init(expiresAt: 1_700_000_000, maximumBitrate: 1))
        ),
        (.json(200, "{\"allow\":false}"), .denied(reason: nil)),
        (.json(200, "{\"allow\":false,\"reason\":\"Pay\\r\\nfirst\"}"), .denied(reason: "Payfirst")),
        (.init(status: 401), .denied(reason: nil)),
        (.json(403, "{\"reason\":\"Not you.\"}"), .denied(reason: "Not you.")),
        // These are no answers.
        (.json(200, "{\"allow\":\"yes\"}"), .undecided), (.json(200, "allow"), .undecided),
        (.init(status: 200, type: "text/html", body: Array("<p>Log in</p>".utf8)), .undecided),
        (.init(status: 302), .undecided), (.init(status: 404), .undecided), (.init(status: 429), .undecided),
        (.init(status: 500), .undecided), (.init(status: 100), .undecided),
    ]

    @Test(arguments: answers)
    func `an answer means one thing`(answer: WebhookAnswer, verdict: AccessVerdict) async throws {
        application.answer { _ in .success(answer) }
        #expect(await decisions().decide(try question()) == verdict)
    }

    @Test(arguments: [WebhookFailure.timedOut, .unreachable("refused"), .answerTooLarge])
    func `an application that does not answer refuses, unless configured otherwise`(
        failure: WebhookFailure
    ) async throws {
        application.answer { _ in .failure(failure) }
        let (strict, lenient) = (decisions(), decisions(allowsOnFailure: true))
        #expect(await strict.decide(try question()) == .undecided)
        #expect(await lenient.decide(try question()) == .allowed(.init()))
        #expect(strict.verdicts == ["failed": 1] && lenient.verdicts == ["failed": 1])
        // A no is a no.
        application.answer(403)
        #expect(await lenient.decide(try question()) == .denied(reason: nil))
    }

    @Test func `a credential that only the application knows needs a word of it`() async throws {
        let decisions = decisions(allowsOnFailure: true)
        let unknown = try question(credential: Secret("app-key"))
        application.answer(204)
        #expect(await decisions.decide(unknown) == .denied(reason: nil))
        let text = application.requests.last?.text
        #expect(text?.contains("\"kind\":\"unknown\",\"subject\":\"studio\",\"value\":\"app-key\"") == true)
        application.answer(200, json: "{}")
        #expect(await decisions.decide(unknown) == .denied(reason: nil))
        application.answer(500)
        #expect(await decisions.decide(unknown) == .undecided)
        application.answer(200, json: "{\"allow\":true}")
        #expect(await decisions.decide(unknown) == .allowed(.init()))
    }

    @Test func `a player that fetches many files is asked about once in a while`() async throws {
        let decisions = decisions()
        for _ in 0..<10 { _ = await decisions.decide(try question(way: .hls)) }
        #expect(application.requests.count == 1)
        _ = await decisions.decide(try question(way: .hls, address: "192.0.2.8"))
        #expect(application.requests.count == 2)
        application.answer(403)
        application.advance(by: DecisionMemory.lifetime.allowed)
        for _ in 0..<10 { #expect(await decisions.decide(try question(way: .hls)) == .denied(reason: nil)) }
        #expect(application.requests.count == 3)
        application.answer(204)
        application.advance(by: DecisionMemory.lifetime.denied)
        #expect(await decisions.decide(try question(way: .hls)).isAllowed)
        // Other ways are asked about each time.
        for _ in 0..<3 { _ = await decisions.decide(try question()) }
        #expect(application.requests.count == 7)
    }

    @Test func `an application that is away is not remembered as a no`() async throws {
        let decisions = decisions()
        application.answer(500)
        #expect(await decisions.decide(try question(way: .hls)) == .undecided)
        application.answer(204)
        #expect(await decisions.decide(try question(way: .hls)).isAllowed)
    }

    @Test func `decisions that are remembered are bounded`() throws {
        var memory = DecisionMemory()
        for number in 0..<(DecisionMemory.capacity * 2 + 10) {
            memory.note(.allowed(.init()), on: try question(way: .hls, address: "\(number)"), at: .zero)
            #expect(memory.count <= DecisionMemory.capacity)
        }
        #expect(memory.verdict(on: try question(way: .hls, address: "0"), at: .zero) == nil)
    }

    @Test func `questions under way are bounded`() async throws {
        let gate = Gate()
        let waiting = WaitingApplication(gate: gate)
        let decisions = WebhookDecisions(
            configuration: WebhookConfiguration(
                decisions: [.publish], allowsOnFailure: false, timeout: .seconds(3), node: "node-1"),
            transport: waiting, signer: signer)
        let question = try question()
        await withTaskGroup(of: AccessVerdict.self) { group in
            for _ in 0...WebhookDecisions.maximumPending { group.addTask { await decisions.decide(question) } }
            // The one for which there is no room is answered first.
            #expect(await group.next() == .undecided)
            await gate.open()
            for await verdict in group { #expect(verdict.isAllowed) }
        }
        #expect(decisions.verdicts == ["failed": 1, "allowed": UInt64(WebhookDecisions.maximumPending)])
    }

    @Test func `only what is configured is asked about`() {
        #expect(decisions([.publish]).decides(.publish))
        #expect(!decisions([.publish]).decides(.play))
        #expect(!decisions([]).decides(.publish))
    }
}

extension WebhookAnswer {
    fileprivate static func json(_ status: Int, _ text: String) -> WebhookAnswer {
        WebhookAnswer(status: status, type: "application/json", body: Array(text.utf8))
    }
}

/// Holds back everybody until it is opened.
private actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func pass() async {
        if isOpen { return }
        await withCheckedContinuation { waiting.append($0) }
    }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}

private struct WaitingApplication: WebhookTransport {
    let gate: Gate

    func post(_ request: WebhookRequest, timeout: Duration) async throws(WebhookFailure) -> WebhookAnswer {
        await gate.pass()
        return WebhookAnswer(status: 204)
    }
}
