import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Primitives
import Telemetry

/// Posts to one address, each time bounded in time and in what is read.
package final class HTTPWebhookTransport: WebhookTransport {
    private let url: String
    private let client: HTTPClient

    /// - Parameter url: The application's, `http` or `https`.
    package init(url: String) {
        self.url = url
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        // A refused connection is an answer; whoever asks decides when to try again.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit {
        // A start that fails half-way closes nothing else; after `close()` this does nothing.
        try? client.syncShutdown()
    }

    /// To be called once, when nothing is under way.
    package func close() async {
        try? await client.shutdown()
    }

    package func post(_ request: WebhookRequest, timeout: Duration) async throws(WebhookFailure) -> WebhookAnswer {
        var outgoing = HTTPClientRequest(url: url)
        outgoing.method = .POST
        outgoing.headers.add(name: "User-Agent", value: "martlet/\(BuildInformation.version)")
        for field in request.fields { outgoing.headers.add(name: field.name, value: field.value) }
        outgoing.body = .bytes(ByteBuffer(bytes: request.body))
        do {
            // The client's own limits begin anew with each byte, and a receiver may send one a second for ever.
            return try await withThrowingTaskGroup(of: WebhookAnswer.self) { [outgoing] tasks in
                tasks.addTask { try await self.exchange(outgoing) }
                tasks.addTask {
                    try await Task.sleep(for: timeout)
                    throw WebhookFailure.timedOut
                }
                defer { tasks.cancelAll() }
                guard let answer = try await tasks.next() else { throw WebhookFailure.timedOut }
                return answer
            }
        } catch {
            throw Self.failure(error)
        }
    }

    private func exchange(_ request: HTTPClientRequest) async throws -> WebhookAnswer {
        let incoming = try await client.execute(request, deadline: .distantFuture)
        var answer = WebhookAnswer(status: Int(incoming.status.code))
        answer.type = incoming.headers.first(name: "Content-Type").map {
            $0.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
        }
        answer.retryAfter = incoming.headers.first(name: "Retry-After").flatMap { UInt16($0) }
            .map { .seconds(Int64($0)) }
        for try await part in incoming.body {
            guard answer.body.count + part.readableBytes <= WebhookAnswer.maximumBody else {
                throw WebhookFailure.answerTooLarge
            }
            answer.body += part.readableBytesView
        }
        return answer
    }

    private static func failure(_ error: any Error) -> WebhookFailure {
        switch error {
        case let failure as WebhookFailure: failure
        case let error as HTTPClientError: .unreachable(error.shortDescription)
        case let error as IOError: .unreachable(String(cString: strerror(error.errnoCode)))
        case is CancellationError: .unreachable("the gateway is stopping")
        default: .unreachable("\(type(of: error))")
        }
    }
}
