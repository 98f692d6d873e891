import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Primitives
import TestSupport
import Testing

@testable import Conformance

/// A run of the examination against a server in this process.
enum Run {
    /// Serves on a port of its own while `body` runs, with the server's address and a transport to it.
    static func serving<Value: Sendable>(
        _ server: ReferenceServer, _ body: @escaping @Sendable (String, HTTPClientTransport) async throws -> Value
    ) async throws -> Value {
        let (ports, report) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: CallbackResponder { (request: Request, _: BasicRequestContext) in
                let buffer = try await request.body.collect(upTo: 4 << 20)
                let answer = server.answer(try #require(ProbeRequest(request, body: Array(buffer.readableBytesView))))
                return Response(
                    status: .init(code: answer.status), headers: answer.fields,
                    body: .init(byteBuffer: ByteBuffer(bytes: answer.body)))
            },
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { report.yield($0.localAddress?.port ?? 0) }, logger: quiet)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await application.run() }
            defer { tasks.cancelAll() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let transport = try HTTPClientTransport(timeout: .seconds(30))
            let result: Result<Value, any Error>
            do { result = .success(try await body("http://127.0.0.1:\(port)", transport)) } catch {
                result = .failure(error)
            }
            await transport.close()
            return try result.get()
        }
    }

    /// Examines `server` with everything that there is to try, slow rows in virtual time.
    static func examine(
        _ server: ReferenceServer, _ path: String, token: String? = nil
    ) async throws -> Report {
        try await serving(server) { address, transport in
            let endpoint = try Endpoint(address + path, token: token.map { .init($0) })
            var generator = SeededGenerator(seed: 8)
            let offer = ProbeOffer(endpoint.kind, using: &generator).text
            let world = EndpointExamination.World(
                transport: transport, makePeer: { ReferencePeer(server: server, kind: $0, offer: offer) },
                generator: SeededGenerator(seed: 7), wait: { server.advance(by: $0) })
            return await EndpointExamination(endpoint, includesSlow: true, world: world).run()
        }
    }

    static func path(_ kind: EndpointKind) -> String { "/\(kind.rawValue)/cam" }

    private static var quiet: Logger {
        var logger = Logger(label: "reference")
        logger.logLevel = .critical
        return logger
    }
}

extension ProbeRequest {
    fileprivate init?(_ request: Request, body: [UInt8]) {
        guard let url = URL(string: "http://localhost" + request.uri.string) else { return nil }
        self.init(method: request.method, url: url, fields: request.headers, body: body)
    }
}

extension Report {
    func rows(_ verdict: Finding.Verdict) -> Set<Row> {
        Set(findings.filter { $0.verdict == verdict }.map(\.row))
    }
}
