import AsyncHTTPClient
import Foundation
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOSSL
package import TransportSecurity

/// Requests over HTTP/1.1 or HTTP/2, each bounded in time.
package struct HTTPClientTransport: ConformanceTransport {
    private let client: HTTPClient
    private let timeout: Duration
    private let maximumBodySize: Int

    /// - Parameters:
    ///   - timeout: How long an answer may take, with all of its body.
    ///   - maximumBodySize: In bytes; the rest of a body is not read.
    ///   - trust: Whose certificates to take.
    /// - Throws: ``ServerTrustError``.
    package init(
        timeout: Duration, maximumBodySize: Int = ProbeResponse.maximumBodySize, trust: ServerTrust = .system
    ) throws(ServerTrustError) {
        self.timeout = timeout
        self.maximumBodySize = maximumBodySize
        let (seconds, attoseconds) = timeout.components
        let amount = TimeAmount.seconds(seconds) + .nanoseconds(attoseconds / 1_000_000_000)
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: amount, read: amount)
        configuration.tlsConfiguration = try trust.configuration()
        // "Connection refused" is a finding, not a reason to try again until the time is up.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// To be called once, when no request is under way.
    package func close() async {
        try? await client.shutdown()
    }

    package func send(_ request: ProbeRequest) async throws(TransportFailure) -> ProbeResponse {
        var outgoing = HTTPClientRequest(url: request.url.absoluteString)
        outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
        for field in request.fields { outgoing.headers.add(name: field.name.rawName, value: field.value) }
        if let body = request.body { outgoing.body = .bytes(ByteBuffer(bytes: body)) }
        do {
            // The client's own limits begin anew with each byte, and a server may send one a second for ever.
            return try await withThrowingTaskGroup(of: ProbeResponse.self) { [outgoing, timeout] tasks in
                tasks.addTask { try await exchange(outgoing) }
                tasks.addTask {
                    try await Task.sleep(for: timeout)
                    throw TransportFailure.timedOut
                }
                defer { tasks.cancelAll() }
                guard let response = try await tasks.next() else { throw TransportFailure.timedOut }
                return response
            }
        } catch {
            throw Self.failure(error)
        }
    }

    private func exchange(_ request: HTTPClientRequest) async throws -> ProbeResponse {
        let incoming = try await client.execute(request, deadline: .distantFuture)
        var response = ProbeResponse(status: Int(incoming.status.code))
        for (name, value) in incoming.headers {
            guard let name = HTTPField.Name(name) else { continue }
            response.fields.append(HTTPField(name: name, value: value))
        }
        for try await part in incoming.body {
            let room = maximumBodySize - response.body.count
            response.body += part.readableBytesView.prefix(room)
            if part.readableBytes >= room { break }
        }
        return response
    }

    private static func failure(_ error: any Error) -> TransportFailure {
        switch error {
        case let failure as TransportFailure: return failure
        case let error as HTTPClientError:
            switch error {
            case .deadlineExceeded, .readTimeout, .writeTimeout, .connectTimeout, .tlsHandshakeTimeout,
                .getConnectionFromPoolTimeout:
                return .timedOut
            case .remoteConnectionClosed: return .broken("the connection was closed without an answer")
            default: return .broken(Quoted.line(error.shortDescription))
            }
        case is NIOSSLError: return .broken("TLS: \(ServerTrust.describe(error))")
        case let error as IOError: return .broken(Quoted.line(String(cString: strerror(error.errnoCode))))
        case is CancellationError: return .stopped
        default: return .broken(Quoted.line(String(describing: error)))
        }
    }
}
