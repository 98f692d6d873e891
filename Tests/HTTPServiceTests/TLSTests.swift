import Auth
import Foundation
import HTTPTypes
import HummingbirdTesting
import Primitives
import Testing
import TransportSecurity

@testable import HTTPService

@Suite("Answers over TLS")
struct TLSTests {
    private static func identity() throws -> TLSIdentity {
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString).pem").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let pem = try #require(SelfSignedCertificate.pem(names: ["localhost"], addresses: []))
        try pem.write(toFile: path, atomically: true, encoding: .utf8)
        return try TLSIdentity(certificate: path, key: path)
    }

    @Test func `browsers are asked to insist on HTTPS where there is HTTPS`() async throws {
        var configuration = HTTPServiceConfiguration()
        configuration.hstsMaxAge = .seconds(3600)
        let plain = try await Client(configuration: configuration).send(.get, "/health/live")
        #expect(plain.headers[.strictTransportSecurity] == nil)
        configuration.tls = try Self.identity()
        for path in ["/health/live", "/", "/nothing", "/hls/cam/index.m3u8"] {
            let secure = try await Client(configuration: configuration).send(.get, path)
            #expect(secure.headers[.strictTransportSecurity] == "max-age=3600", "\(path)")
        }
    }

    @Test func `the cookie of the player page goes over TLS alone where it came over TLS`() async throws {
        var configuration = HTTPServiceConfiguration(isPlayPublic: false)
        for isSecure in [false, true] {
            if isSecure { configuration.tls = try Self.identity() }
            let client = await Client(
                policy: AccessPolicy(play: .nobody), configuration: configuration, hls: FakeHLS())
            let token = try await client.tokens.issue(
                stream: try #require(StreamPattern("cam")), permissions: [.play], lifetime: .seconds(60))
            let answer = try await client.send(.get, "/hls/cam/index.m3u8", token: token)
            #expect(
                answer.headers[.setCookie]?.hasSuffix("; HttpOnly; SameSite=Lax\(isSecure ? "; Secure" : "")") == true)
        }
    }
}
