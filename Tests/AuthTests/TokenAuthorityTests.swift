import Auth
import Foundation
import JWTKit
import Primitives
import Synchronization
import Testing

/// As long as the longest digest, so that it can sign with each of them.
private let secret = Secret(String(repeating: "0123456789abcdef", count: 4))

/// A clock that a test moves.
private final class ManualClock: Sendable {
    private let seconds = Mutex<Int64>(1_000_000)
    var now: Int64 { seconds.withLock { $0 } }
    func advance(by count: Int64) { seconds.withLock { $0 += count } }
}

private func base64URL(_ text: String) -> String {
    Data(text.utf8).base64EncodedString()
        .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}

@Suite("Tokens")
struct TokenAuthorityTests {
    private let clock = ManualClock()

    private func authority(secret: Secret = secret) async -> TokenAuthority {
        await TokenAuthority(secret: secret) { [clock] in clock.now }
    }

    private func token(lifetime: Duration = .seconds(60)) async throws -> String {
        try await authority().issue(
            stream: .any,
            permissions: [.publish, .play],
            lifetime: lifetime,
            subject: "studio"
        ).revealed
    }

    @Test func `a token says what it was made for`() async throws {
        let claims = try await authority().verify(try await token())
        #expect(
            claims
                == TokenClaims(
                    stream: "*", allow: ["publish", "play"], exp: clock.now + 60, sub: "studio", jti: claims.jti)
        )
    }

    @Test func `a token without a subject gets an identity of its own`() async throws {
        let authority = await authority()
        let first = try await authority.issue(stream: .any, permissions: [.play], lifetime: .seconds(60))
        let second = try await authority.issue(stream: .any, permissions: [.play], lifetime: .seconds(60))
        let firstID = try await authority.verify(first.revealed).jti
        let secondID = try await authority.verify(second.revealed).jti
        #expect(firstID != nil)
        #expect(firstID != secondID)
    }

    @Test func `a token counts until the second it expires`() async throws {
        let token = try await token()
        clock.advance(by: 59)
        _ = try await authority().verify(token)
        clock.advance(by: 1)
        await #expect(throws: TokenProblem.expired) { try await authority().verify(token) }
    }

    @Test func `a token does not count before its time`() async throws {
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: secret.revealed), digestAlgorithm: .sha256)
        let claims = TokenClaims(stream: "*", allow: ["play"], exp: clock.now + 60, nbf: clock.now + 30)
        let token = try await keys.sign(claims)
        await #expect(throws: TokenProblem.notYetValid) { try await authority().verify(token) }
        clock.advance(by: 25)
        _ = try await authority().verify(token)
    }

    @Test func `a token of another secret is refused`() async throws {
        let token = try await token()
        let other = await authority(secret: Secret(String(repeating: "x", count: 32)))
        await #expect(throws: TokenProblem.badSignature) { try await other.verify(token) }
    }

    @Test(arguments: ["none", "None", "HS384", "HS512", "RS256", "hs256", ""])
    func `a token of another algorithm is refused`(algorithm: String) async throws {
        let parts = try await token().split(separator: ".")
        let header = base64URL("{\"alg\":\"\(algorithm)\",\"typ\":\"JWT\"}")
        for signature in [String(parts[2]), ""] {
            await #expect(throws: TokenProblem.wrongAlgorithm) {
                try await authority().verify("\(header).\(parts[1]).\(signature)")
            }
        }
    }

    @Test func `a good signature with another digest is refused`() async throws {
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: secret.revealed), digestAlgorithm: .sha512)
        let token = try await keys.sign(TokenClaims(stream: "*", allow: ["play"], exp: clock.now + 60))
        await #expect(throws: TokenProblem.self) { try await authority().verify(token) }
    }

    @Test func `extensions that must be understood are refused`() async throws {
        let parts = try await token().split(separator: ".")
        let header = base64URL("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}")
        await #expect(throws: TokenProblem.wrongAlgorithm) {
            try await authority().verify("\(header).\(parts[1]).\(parts[2])")
        }
    }

    @Test func `a token without an end is refused`() async throws {
        struct Endless: JWTPayload {
            var stream = "*"
            var allow = ["admin"]
            func verify(using algorithm: some JWTAlgorithm) {}
        }
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: secret.revealed), digestAlgorithm: .sha256)
        let token = try await keys.sign(Endless())
        await #expect(throws: TokenProblem.malformed) { try await authority().verify(token) }
    }

    @Test func `every truncation is refused`() async throws {
        let token = try await token()
        let authority = await authority()
        for length in 0..<token.utf8.count {
            await #expect(throws: TokenProblem.self) { try await authority.verify(String(token.prefix(length))) }
        }
    }

    @Test func `every changed character is refused`() async throws {
        let token = Array(try await token().utf8)
        let authority = await authority()
        // The last character holds bits that do not count.
        for index in 0..<(token.count - 1) {
            var changed = token
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            await #expect(throws: TokenProblem.self) {
                try await authority.verify(String(decoding: changed, as: UTF8.self))
            }
        }
    }

    @Test(arguments: ["", ".", "..", "a.b.c", "....", "eyJ.eyJ.eyJ", String(repeating: "A", count: 5000)])
    func `what is no token is refused`(text: String) async {
        await #expect(throws: TokenProblem.malformed) { try await authority().verify(text) }
    }
}
