import AsyncHTTPClient
import Auth
import Foundation
import NIOCore
import NIOHTTP1
import Primitives

/// Gets the key set of `auth.jwt.jwks`, from a file or a server.
enum IssuerKeys {
    /// How long a server may take, and the most that it may send.
    private static let timeout = TimeAmount.seconds(5)
    private static let maximumBody = 64 << 10

    static func source(_ place: String) -> JSONWebKeySource {
        guard place.hasPrefix("http://") || place.hasPrefix("https://") else {
            return JSONWebKeySource { [UInt8](try Data(contentsOf: URL(filePath: place))) }
        }
        return JSONWebKeySource { try await fetch(place) }
    }

    private static func fetch(_ address: String) async throws -> [UInt8] {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: timeout, read: timeout)
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let answer = try await client.execute(HTTPClientRequest(url: address), timeout: timeout)
            guard answer.status == .ok else { throw CommandFailure("\(address) answers \(answer.status.code)") }
            let body = try await answer.body.collect(upTo: maximumBody)
            try await client.shutdown()
            return [UInt8](body.readableBytesView)
        } catch {
            try? await client.shutdown()
            throw error
        }
    }
}
