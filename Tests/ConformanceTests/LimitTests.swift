import Conformance
import Foundation
import HTTPTypes
import Primitives
import Synchronization
import TestSupport
import Testing

/// A transport without a network, which counts.
private final class DirectTransport: ConformanceTransport {
    private let requests = Mutex<[ProbeRequest]>([])
    private let answer: @Sendable (ProbeRequest) async throws(TransportFailure) -> ProbeResponse

    init(_ answer: @escaping @Sendable (ProbeRequest) async throws(TransportFailure) -> ProbeResponse) {
        self.answer = answer
    }

    var sent: [ProbeRequest] { requests.withLock { $0 } }

    func send(_ request: ProbeRequest) async throws(TransportFailure) -> ProbeResponse {
        requests.withLock { $0.append(request) }
        return try await answer(request)
    }
}

@Suite("Limits of a run")
struct LimitTests {
    private func examination(
        _ transport: any ConformanceTransport, path: String = "/whep/cam", maximumRequests: Int = 100,
        wait: @escaping @Sendable (Duration) async -> Void = { _ in }
    ) throws -> EndpointExamination {
        EndpointExamination(
            try Endpoint("http://localhost" + path),
            world: .init(
                transport: transport, generator: SeededGenerator(seed: 3), now: { 1_700_000_000 }, wait: wait),
            maximumRequests: maximumRequests)
    }

    @Test func `a run sends no more than fifty requests, and each preflight without a token`() async throws {
        let server = ReferenceServer()
        let transport = DirectTransport { server.answer($0) }
        let endpoint = try Endpoint("http://localhost/whep/cam", token: .init("good"))
        _ = await EndpointExamination(endpoint, world: .init(transport: transport)).run()
        #expect(transport.sent.count <= 50)
        for request in transport.sent {
            let isPreflight = request.method == .options && request.fields[.accessControlRequestMethod] != nil
            #expect((request.fields[.authorization] == nil) == isPreflight)
            #expect(request.fields[.origin] == "http://localhost")
        }
    }

    @Test(arguments: [TransportFailure.timedOut, .broken("connection refused")])
    func `a server that does not answer is asked three times`(failure: TransportFailure) async throws {
        let transport = DirectTransport { _ throws(TransportFailure) in throw failure }
        let report = await (try examination(transport)).run()
        #expect(report.rows(.passed).isEmpty)
        #expect(transport.sent.count == EndpointExamination.maximumSilence)
        #expect(!report.isPassed && !report.isComplete)
    }

    @Test func `the budget ends a run, and its session all the same`() async throws {
        let server = ReferenceServer()
        let transport = DirectTransport { server.answer($0) }
        let report = await (try examination(transport, maximumRequests: 10)).run()
        #expect(transport.sent.count == 11)
        #expect(transport.sent.last?.method == .delete)
        #expect(server.openSessions == 0)
        #expect(!report.isPassed && !report.isComplete)
    }

    @Test func `a run that is stopped ends its session and asks nothing more`() async throws {
        let server = ReferenceServer()
        let box = Mutex<EndpointExamination?>(nil)
        let transport = DirectTransport { request in
            let answer = server.answer(request)
            if answer.status == 201 { await box.withLock { $0 }?.stop() }
            return answer
        }
        let examination = try examination(transport)
        box.withLock { $0 = examination }
        let report = await examination.run()
        #expect(transport.sent.suffix(2).map(\.method) == [.post, .delete])
        #expect(server.openSessions == 0)
        #expect(!report.isComplete)
        #expect(report.findings.map(\.row) == Row.all(for: .whep))
    }

    @Test func `a server that limits requests is waited for, three times at most`() async throws {
        let waits = Mutex<[Duration]>([])
        let limited = ProbeResponse(status: 429, fields: [.retryAfter: "4"])
        let transport = DirectTransport { _ in limited }
        let report = await (try examination(transport, wait: { wait in waits.withLock { $0.append(wait) } })).run()
        #expect(waits.withLock { $0 } == Array(repeating: .seconds(4), count: EndpointExamination.maximumWaits))
        #expect(report.findings.contains { $0.row == .created && $0.verdict == .skipped && $0.seen.contains("429") })
        #expect(!report.isPassed)
    }

    @Test func `after one wait everything goes on`() async throws {
        let server = ReferenceServer()
        let isFirst = Mutex(true)
        let transport = DirectTransport { request in
            let refuses = isFirst.withLock { first in
                defer { if request.method == .post { first = false } }
                return first && request.method == .post
            }
            return refuses ? ProbeResponse(status: 429, fields: [.retryAfter: "1"]) : server.answer(request)
        }
        let report = await (try examination(transport)).run()
        #expect(report.rows(.passed).contains(.created))
    }

    @Test func `redirects in a circle end`() async throws {
        let transport = DirectTransport { request in
            ProbeResponse(status: 307, fields: [.location: request.url.absoluteString])
        }
        let report = await (try examination(transport)).run()
        #expect(report.rows(.failed).isSuperset(of: [.redirect, .created]))
        #expect(transport.sent.count < 60)
    }

    @Test(arguments: [nil, "yesterday", "Sun, 06 Nov 1994 08:49:37 GMT"])
    func `an answer without a sane Date is told`(date: String?) async throws {
        let server = ReferenceServer()
        let transport = DirectTransport { request in
            var answer = server.answer(request)
            answer.fields[.date] = request.method == .get ? date : "Tue, 14 Nov 2023 22:13:20 GMT"
            return answer
        }
        let report = await (try examination(transport)).run()
        #expect(report.rows(.failed) == [.date], "\(report.table)")
    }

    @Test func `no more of a body is kept than any answer needs`() async throws {
        let flaw = Flaw("endless", fails: []) { request, response in
            guard request.method == .get else { return }
            response = ProbeResponse(status: 200, body: [UInt8](repeating: 0x61, count: 2 << 20))
        }
        let response = try await Run.serving(ReferenceServer(flaw: flaw)) { address, transport in
            let url = try #require(URL(string: address + "/whep/cam"))
            let response = try await transport.send(ProbeRequest(method: .get, url: url))
            let next = try await transport.send(ProbeRequest(method: .options, url: url))
            #expect(next.status == 200)
            return response
        }
        #expect(response.body.count == ProbeResponse.maximumBodySize)
    }

    @Test func `a port where nobody listens is a failure in plain words`() async throws {
        let transport = try HTTPClientTransport(timeout: .seconds(30))
        let url = try #require(URL(string: "http://127.0.0.1:1/whep/cam"))
        await #expect(throws: TransportFailure.self) { try await transport.send(ProbeRequest(method: .get, url: url)) }
        await transport.close()
    }
}
