import Auth
import Crypto
import CryptoExtras
import Foundation
import JWTKit
import Primitives
import Synchronization
import Testing

/// An issuer whose key set a test changes, and which counts how often it was asked.
private final class Issuer: Sendable {
    private struct State {
        var text: String?
        var asked = 0
        var now = Instant.zero
    }

    private let state = Mutex(State())

    var asked: Int { state.withLock { $0.asked } }
    func publish(_ text: String?) { state.withLock { $0.text = text } }
    func publish(_ keys: [[String: String]]) throws {
        publish(String(decoding: try JSONEncoder().encode(["keys": keys]), as: UTF8.self))
    }
    func advance(by interval: Interval) { state.withLock { $0.now = $0.now + interval } }

    func source() -> JSONWebKeySource {
        JSONWebKeySource(now: { self.state.withLock { $0.now } }) {
            try self.state.withLock { state in
                state.asked += 1
                guard let text = state.text else { throw CancellationError() }
                return Array(text.utf8)
            }
        }
    }
}

/// A private key and its public half as a member of a key set.
private struct SigningKey {
    var keys: JWTKeyCollection
    var member: [String: String]

    static func edwards(_ id: String) async -> SigningKey {
        let key = Curve25519.Signing.PrivateKey()
        return SigningKey(
            keys: await JWTKeyCollection().add(eddsa: EdDSA.PrivateKey(backing: key)),
            member: [
                "kty": "OKP", "crv": "Ed25519", "kid": id, "x": base64URL(key.publicKey.rawRepresentation),
            ])
    }

    static func elliptic(_ id: String) async throws -> SigningKey {
        let key = P256.Signing.PrivateKey()
        let point = key.publicKey.rawRepresentation
        return SigningKey(
            keys: await JWTKeyCollection().add(ecdsa: try ES256PrivateKey(pem: key.pemRepresentation)),
            member: [
                "kty": "EC", "crv": "P-256", "kid": id, "x": base64URL(point.prefix(32)),
                "y": base64URL(point.suffix(32)),
            ])
    }

    static func rsa(_ id: String) async throws -> SigningKey {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let numbers = try key.publicKey.getKeyPrimitives()
        return SigningKey(
            keys: await JWTKeyCollection().add(
                rsa: try Insecure.RSA.PrivateKey(backing: key), digestAlgorithm: .sha256),
            member: [
                "kty": "RSA", "kid": id, "n": base64URL(numbers.modulus), "e": base64URL(numbers.publicExponent),
            ])
    }

    func token(_ id: String?, exp: Int64 = 1_000_060) async throws -> String {
        var header = JWTHeader()
        header.kid = id
        return try await keys.sign(TokenClaims(stream: "cam", allow: ["play"], exp: exp), header: header)
    }
}

private func base64URL(_ data: Data) -> String {
    data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}

@Suite("Tokens of other issuers")
struct JSONWebKeyTests {
    private let issuer = Issuer()
    private let secret = Secret(String(repeating: "0123456789abcdef", count: 2))

    private func authority() async -> TokenAuthority {
        await TokenAuthority(secret: secret, issuer: issuer.source()) { 1_000_000 }
    }

    @Test func `keys of each kind check the tokens that were signed with them`() async throws {
        let all = [await SigningKey.edwards("a"), try await .elliptic("b"), try await .rsa("c")]
        try issuer.publish(all.map(\.member))
        let authority = await authority()
        for (key, id) in zip(all, ["a", "b", "c"]) {
            #expect(try await authority.verify(try await key.token(id)).stream == "cam")
            // The only key of its kind needs no name.
            _ = try await authority.verify(try await key.token(nil))
            await #expect(throws: TokenProblem.expired) {
                try await authority.verify(try await key.token(id, exp: 1_000_000))
            }
        }
        // Our own count all the same.
        _ = try await authority.verify(
            try await authority.issue(stream: .any, permissions: [.play], lifetime: .seconds(60)).revealed)
        #expect(issuer.asked == 1)
    }

    @Test func `a stranger's key of the right name does not count`() async throws {
        try issuer.publish([await SigningKey.edwards("a").member])
        let stranger = await SigningKey.edwards("a")
        await #expect(throws: TokenProblem.badSignature) {
            try await authority().verify(try await stranger.token("a"))
        }
    }

    @Test func `a key is for one algorithm, whatever the token says`() async throws {
        let key = try await SigningKey.elliptic("b")
        try issuer.publish([key.member])
        let authority = await authority()
        let edwards = await SigningKey.edwards("b")
        await #expect(throws: TokenProblem.unknownKey) { try await authority.verify(try await edwards.token("b")) }
        // The public key as an HMAC secret is the oldest trick there is.
        let trick = await JWTKeyCollection().add(
            hmac: HMACKey(from: key.member["x", default: ""]), digestAlgorithm: .sha256)
        var header = JWTHeader()
        header.kid = "b"
        let token = try await trick.sign(
            TokenClaims(stream: "*", allow: ["admin"], exp: 1_000_060), header: header)
        await #expect(throws: TokenProblem.badSignature) { try await authority.verify(token) }
    }

    @Test func `a key that nobody knows is asked for once a minute, and then it counts`() async throws {
        let (old, new) = (await SigningKey.edwards("old"), await SigningKey.edwards("new"))
        try issuer.publish([old.member])
        let authority = await authority()
        _ = try await authority.verify(try await old.token("old"))
        try issuer.publish([old.member, new.member])
        for _ in 0..<20 {
            await #expect(throws: TokenProblem.unknownKey) { try await authority.verify(try await new.token("new")) }
        }
        #expect(issuer.asked == 1)
        issuer.advance(by: .seconds(60))
        _ = try await authority.verify(try await new.token("new"))
        _ = try await authority.verify(try await old.token("old"))
        #expect(issuer.asked == 2)
        // With two of a kind, a token has to say which.
        await #expect(throws: TokenProblem.unknownKey) { try await authority.verify(try await new.token(nil)) }
    }

    @Test(arguments: [nil, "", "{}", "[]", "not JSON", "{\"keys\":7}", String(repeating: " ", count: 70_000)])
    func `whatever goes wrong at the issuer, the last keys stay`(text: String?) async throws {
        let key = await SigningKey.edwards("a")
        try issuer.publish([key.member])
        let authority = await authority()
        _ = try await authority.verify(try await key.token("a"))
        issuer.publish(text)
        issuer.advance(by: JSONWebKeySource.maximumAge)
        _ = try await authority.verify(try await key.token("a"))
        #expect(issuer.asked == 2)
    }

    @Test func `a key that its issuer has taken back counts no longer after ten minutes`() async throws {
        let (old, new) = (await SigningKey.edwards("old"), await SigningKey.edwards("new"))
        try issuer.publish([old.member, new.member])
        let authority = await authority()
        _ = try await authority.verify(try await old.token("old"))
        try issuer.publish([new.member])
        issuer.advance(by: JSONWebKeySource.maximumAge)
        await #expect(throws: TokenProblem.unknownKey) { try await authority.verify(try await old.token("old")) }
    }

    @Test func `keys that are no good are passed over, and so are those beyond the bound`() async throws {
        let good = await SigningKey.edwards("good")
        let strong = try await SigningKey.rsa("strong")
        let weak = strong.member.merging(["kid": "weak", "n": base64URL(Data(repeating: 0xC5, count: 128))]) { $1 }
        var others: [[String: String]] = [
            ["kty": "oct", "kid": "secret", "k": "AAAA"], ["kty": "EC", "crv": "P-521", "kid": "curve"],
            ["kty": "OKP", "crv": "Ed25519", "kid": "short", "x": "AAAA"], ["kty": "RSA", "kid": "half", "e": "AQAB"],
            [:], weak,
        ]
        others.append(good.member.merging(["kid": "encrypts", "use": "enc"]) { $1 })
        others.append(good.member.merging(["kid": "other", "alg": "ES256"]) { $1 })
        try issuer.publish(others + [good.member])
        let authority = await authority()
        _ = try await authority.verify(try await good.token("good"))
        for id in ["encrypts", "other", "short"] {
            await #expect(throws: TokenProblem.unknownKey) { try await authority.verify(try await good.token(id)) }
        }
        await #expect(throws: TokenProblem.unknownKey) { try await authority.verify(try await strong.token("weak")) }

        try issuer.publish(Array(repeating: ["kty": "oct"], count: 64) + [good.member])
        issuer.advance(by: JSONWebKeySource.maximumAge)
        await #expect(throws: TokenProblem.unknownKey) { try await authority.verify(try await good.token("good")) }
    }
}
