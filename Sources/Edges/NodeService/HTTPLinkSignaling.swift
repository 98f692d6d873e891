import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
package import Primitives
import Telemetry

/// The requests of a node link as HTTP: WHEP whose offer the server makes.
package final class HTTPLinkSignaling: LinkSignaling {
    /// How long a gateway of the same cluster may take to answer.
    private static let timeout = TimeAmount.seconds(3)
    /// Offers of 8 sections have about 8 KB.
    private static let maximumBody = 64 << 10

    private let client: HTTPClient

    package init() {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout = HTTPClient.Configuration.Timeout(connect: Self.timeout)
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

    package func ask(
        for stream: StreamName, at url: String, token: Secret
    ) async throws(LinkFailure) -> RemoteOffer {
        var request = HTTPClientRequest(url: "\(url)/whep/\(stream)?layers=all")
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Bearer \(token.revealed)")
        request.headers.add(name: "Content-Type", value: "application/sdp")
        let (head, body) = try await exchange(request)
        guard head.status == .created else { throw .refused(status: Int(head.status.code)) }
        guard let location = head.headers.first(name: "Location"), location.hasPrefix("/"), !location.hasPrefix("//")
        else { throw .unintelligible }
        return RemoteOffer(sdp: body, session: url + location)
    }

    package func answer(_ sdp: String, session: String) async throws(LinkFailure) {
        var request = HTTPClientRequest(url: session)
        request.method = .PATCH
        request.headers.add(name: "Content-Type", value: "application/sdp")
        request.body = .bytes(ByteBuffer(string: sdp))
        let (head, _) = try await exchange(request)
        guard head.status == .noContent else { throw .refused(status: Int(head.status.code)) }
    }

    package func end(session: String) async {
        var request = HTTPClientRequest(url: session)
        request.method = .DELETE
        _ = try? await exchange(request)
    }

    private func exchange(_ request: HTTPClientRequest) async throws(LinkFailure) -> (HTTPClientResponse, [UInt8]) {
        var request = request
        request.headers.add(name: "User-Agent", value: "martlet/\(BuildInformation.version)")
        do {
            // One deadline for the head and the body together.
            let response = try await client.execute(request, timeout: Self.timeout)
            let body = try await response.body.collect(upTo: Self.maximumBody)
            return (response, Array(body.readableBytesView))
        } catch let error as HTTPClientError {
            throw .unreachable(error.shortDescription)
        } catch let error as IOError {
            throw .unreachable(String(cString: strerror(error.errnoCode)))
        } catch is NIOTooManyBytesError {
            throw .unintelligible
        } catch {
            throw .unreachable("\(type(of: error))")
        }
    }
}
