import Auth
import Primitives
import RTMPService
import Testing

@Suite("Credentials over RTMP")
struct CredentialTests {
    private static let secret = Secret("0123456789abcdef0123456789abcdef")

    private func request(_ credential: String?, from peer: String = "192.0.2.7") throws -> RTMPPublishRequest {
        RTMPPublishRequest(
            stream: try #require(StreamName("cam")),
            credential: credential.map { Secret($0) },
            peer: TransportAddress(peer, port: 1)
        )
    }

    @Test func `guessing ends in waiting, even for the right credential, and for HTTP as well`() async throws {
        let tokens = await TokenAuthority(secret: Self.secret)
        let authorizer = Authorizer(policy: AccessPolicy(), tokens: tokens)
        let guesses = GuessLimit(perMinute: 3, now: { .zero })
        let good = try await tokens.issue(stream: .any, permissions: [.publish], lifetime: .seconds(60)).revealed
        func reason(_ credential: String?, from peer: String = "192.0.2.7") async throws -> String? {
            switch await authorizer.decision(about: try request(credential, from: peer), guesses: guesses) {
            case .allowed: nil
            case .refused(let reason, _): reason
            }
        }
        // Nothing presented is nothing guessed.
        for _ in 0..<10 { #expect(try await reason(nil) == "credential-missing") }
        for _ in 0..<3 { #expect(try await reason("guess") == "credential-malformed") }
        #expect(try await reason("guess") == "too-many-failures")
        #expect(try await reason(good) == "too-many-failures")
        #expect(guesses.wait(TransportAddress("192.0.2.7", port: 443)) != nil)
        #expect(try await reason(good, from: "192.0.2.8") == nil)
        for _ in 0..<10 { #expect(try await reason("guess", from: "127.0.0.1") == "credential-malformed") }
    }

    @Test func `a token that begins too often has to wait, and others do not`() async throws {
        let tokens = await TokenAuthority(secret: Self.secret)
        let authorizer = Authorizer(policy: AccessPolicy(), tokens: tokens)
        let guesses = GuessLimit(perMinute: 3, now: { .zero })
        let holders = AddressLimiter(perMinute: 1, burst: 2)
        func reason(_ credential: String) async throws -> String? {
            let decision = await authorizer.decision(about: try request(credential), guesses: guesses) { holder, _ in
                holders.take(holder: holder, at: .zero)
            }
            if case .refused(let reason, _) = decision { return reason }
            return nil
        }
        let (one, other) = (
            try await tokens.issue(stream: .any, permissions: [.publish], lifetime: .seconds(60)).revealed,
            try await tokens.issue(stream: .any, permissions: [.publish], lifetime: .seconds(61)).revealed
        )
        for expected in [nil, nil, "token-overused"] { #expect(try await reason(one) == expected) }
        #expect(try await reason(other) == nil)
    }
}
