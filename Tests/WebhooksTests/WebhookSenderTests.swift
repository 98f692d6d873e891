import Foundation
import Gateway
import Logging
import Primitives
import Telemetry
import Testing

@testable import Recording
@testable import Webhooks

@Suite("What applications are told")
struct WebhookSenderTests {
    private let application = FakeApplication()
    private let signer = WebhookSigner(secret: Secret("0123456789abcdef0123456789abcdef"))

    private func sender() -> WebhookSender {
        WebhookSender(
            transport: application, signer: signer,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            now: { [application] in application.now },
            unixSeconds: { [application] in 1_700_000_000 + application.now.nanoseconds / 1_000_000_000 })
    }

    /// From `printf %s 'msg_1.1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef -binary | base64`.
    @Test func `a signature is what other programs make of the same text`() {
        let body = Array("{\"a\":1}".utf8)
        let expected = "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY="
        #expect(signer.sign(id: "msg_1", timestamp: 1_700_000_000, body: body) == expected)
        let encoded = Data("0123456789abcdef0123456789abcdef".utf8).base64EncodedString()
        let other = WebhookSigner(secret: Secret("whsec_\(encoded)"))
        #expect(other.sign(id: "msg_1", timestamp: 1_700_000_000, body: body) == expected)
        // What cannot be decoded is a text like any other.
        let odd = WebhookSigner(secret: Secret("whsec_!"))
        #expect(odd.sign(id: "msg_1", timestamp: 1_700_000_000, body: body) != expected)
    }

    @Test func `every attempt has the same name and body, and a time and signature of its own`() async throws {
        application.answer(500)
        let sender = sender()
        let event = WebhookEvent(
            kind: .streamStarted, time: Timestamp(milliseconds: 0), body: Array("{\"type\":\"x\"}".utf8))
        await sender.add(event)
        await sender.sendDue()
        application.answer(200)
        application.advance(by: .seconds(2))
        await sender.sendDue()
        await sender.sendDue()
        let requests = application.requests
        try #require(requests.count == 2)
        #expect(requests.map { $0["webhook-id"] } == [event.id, event.id])
        #expect(requests.map { $0["webhook-timestamp"] } == ["1700000000", "1700000002"])
        #expect(requests.allSatisfy { $0.body == event.body && $0["Content-Type"] == "application/json" })
        for request in requests {
            let time = try #require(request["webhook-timestamp"].flatMap { Int64($0) })
            #expect(request["webhook-signature"] == signer.sign(id: event.id, timestamp: time, body: event.body))
        }
        #expect(await sender.delivery(event.id)?.state == .delivered)
        #expect(await sender.statistics.repeated == 1)
        #expect(await sender.statistics.waiting == 0)
    }

    @Test func `what failed is sent again by hand`() async {
        application.answer(410)
        let sender = sender()
        let event = WebhookEvent(kind: .streamEnded, time: Timestamp(milliseconds: 0), body: [])
        await sender.add(event)
        await sender.sendDue()
        #expect(await sender.list(state: .failed, after: nil, limit: 5).page.map(\.event.id) == [event.id])
        application.answer(204)
        #expect(await sender.replay(event.id))
        await sender.sendDue()
        #expect(await sender.delivery(event.id)?.state == .delivered)
        #expect(await !sender.replay("msg_unknown"))
    }
}

@Suite("Events of streams")
struct StreamLedgerTests {
    private func object(_ event: WebhookEvent?) throws -> [String: Any] {
        let body = try #require(event?.body)
        let object = try JSONSerialization.jsonObject(with: Data(body))
        return try #require(object as? [String: Any])
    }

    @Test func `a stream begins once and ends once, however often its publisher comes and goes`() throws {
        let cam = try #require(StreamName("cam"))
        var ledger = StreamLedger(node: "node-1")
        let news: [StreamNews] = [
            .published(cam), .unpublished(cam), .published(cam), .published(cam), .unpublished(cam), .removed(cam),
            .removed(cam),
        ]
        var told: [WebhookEvent] = []
        for (second, item) in news.enumerated() {
            let time = Timestamp(milliseconds: Int64(second) * 1_000)
            if let event = ledger.event(for: item, source: "rtmp", at: time) { told.append(event) }
        }
        #expect(told.map(\.kind) == [.streamStarted, .streamEnded])
        let started = try object(told.first)
        #expect(started["type"] as? String == "stream.started")
        #expect(started["node"] as? String == "node-1")
        #expect(started["timestamp"] as? String == "1970-01-01T00:00:00.000Z")
        #expect(started["data"] as? [String: String] == ["stream": "cam", "source": "rtmp"])
        let ended = try #require(try object(told.last)["data"] as? [String: Any])
        #expect(ended["durationSeconds"] as? Double == 5)
        #expect(told.first?.id != told.last?.id)
    }

    @Test func `a finding about a publisher is told with its cure`() throws {
        let cam = try #require(StreamName("cam"))
        var ledger = StreamLedger(node: "node-1")
        let event = ledger.event(
            for: .warned(cam, IngestWarning(code: "frozen", message: "Nothing comes.")), source: nil,
            at: Timestamp(milliseconds: 0))
        #expect(event?.kind == .ingestWarning)
        let expected = ["stream": "cam", "code": "frozen", "message": "Nothing comes."]
        #expect(try object(event)["data"] as? [String: String] == expected)
    }

    @Test func `a recording is told at both ends`() throws {
        let ledger = StreamLedger(node: "node-1")
        var recording = Recording(stream: try #require(StreamName("cam")), unixMilliseconds: 1_790_000_000_123)
        #expect(ledger.event(for: .began(recording), at: Timestamp(milliseconds: 0)).kind == .recordingStarted)
        (recording.seconds, recording.bytes) = (12.3456, 99)
        let event = ledger.event(for: .completed(recording), at: Timestamp(milliseconds: 0))
        #expect(event.kind == .recordingEnded)
        let data = try #require(try object(event)["data"] as? [String: Any])
        #expect(data["recording"] as? String == recording.id)
        #expect(data["durationSeconds"] as? Double == 12.346)
        #expect(data["bytes"] as? Int == 99)
    }
}
