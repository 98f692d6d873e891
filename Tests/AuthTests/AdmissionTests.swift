import Auth
import Primitives
import Synchronization
import Testing

/// An application that decides as a test told it to, and remembers what it was asked.
private final class FakeDecider: AccessDecider {
    private let state = Mutex((verdict: AccessVerdict.allowed(.init()), questions: [AccessQuestion]()))
    let asked: Set<Permission>

    init(_ asked: Set<Permission> = [.publish, .play]) {
        self.asked = asked
    }

    var questions: [AccessQuestion] { state.withLock { $0.questions } }
    func decide(_ verdict: AccessVerdict) { state.withLock { $0.verdict = verdict } }
    func decides(_ permission: Permission) -> Bool { asked.contains(permission) }

    func decide(_ question: AccessQuestion) async -> AccessVerdict {
        state.withLock { state in
            state.questions.append(question)
            return state.verdict
        }
    }
}

@Suite("Applications that have a say")
struct AdmissionTests {
    private let decider = FakeDecider()
    private let origin = RequestOrigin(peer: TransportAddress("192.0.2.7", port: 1), transport: .socket)
    private let secret = Secret(String(repeating: "0123456789abcdef", count: 2))
    private let revocations = RevocationList(path: nil)

    private func admit(
        _ permission: Permission = .publish, credential: Secret?, policy: AccessPolicy = AccessPolicy(),
        decider: FakeDecider? = nil
    ) async throws -> Grant {
        let authorizer = Authorizer(
            policy: policy, tokens: await TokenAuthority(secret: secret), revocations: revocations,
            decider: decider ?? self.decider)
        return try await authorizer.admit(
            permission, stream: try #require(StreamName("cam")), credential: credential, origin: origin, way: .whip)
    }

    private func refusal(_ body: () async throws -> Grant) async -> AuthRefusal? {
        await #expect(throws: AuthRefusal.self) { try await body() }
    }

    private func token(
        _ stream: StreamPattern = .any, lifetime: Duration = .seconds(60), record: Bool? = nil
    ) async throws -> Secret {
        try await TokenAuthority(secret: secret).issue(
            stream: stream, permissions: [.publish], lifetime: lifetime, subject: "studio", record: record,
            maximumBitrate: 3_000_000)
    }

    @Test func `an application is asked about a good token, and may narrow what it gives`() async throws {
        decider.decide(.allowed(.init(expiresAt: 5, maximumBitrate: 9_000_000, record: true)))
        let grant = try await admit(credential: try await token())
        #expect(grant.expiresAt == 5)
        #expect(grant.maximumBitrate == 3_000_000)
        #expect(grant.record == true)
        let question = try #require(decider.questions.first)
        #expect(question.kind == .token && question.subject == "studio" && question.tokenID == grant.tokenID)
        #expect(question.credential == nil && question.address == "192.0.2.7")
        // What a token forbids, nobody allows.
        #expect(try await admit(credential: try await token(record: false)).record == false)
    }

    @Test func `a no and no answer are refusals of their own`() async throws {
        decider.decide(.denied(reason: "Not today."))
        let denied = await refusal { try await admit(credential: try await token()) }
        #expect(denied?.reason == .decisionRefused && denied?.status == 403 && denied?.detail == "Not today.")
        decider.decide(.undecided)
        let undecided = await refusal { try await admit(credential: try await token()) }
        #expect(undecided?.reason == .decisionMissing && undecided?.status == 503)
    }

    @Test func `a credential that the gateway does not know is the application's to judge`() async throws {
        let grant = try await admit(credential: Secret("app-key"))
        #expect(decider.questions.first?.credential == Secret("app-key"))
        guard case .credential(let digest) = grant.holder else {
            Issue.record("a credential is a credential")
            return
        }
        #expect(!digest.contains("app-key"))
        // The same one takes its own stream over.
        #expect(try await admit(credential: Secret("app-key")).holder == grant.holder)
        #expect(try await admit(credential: Secret("other")).holder != grant.holder)
    }

    @Test func `nobody is asked about what is refused anyway`() async throws {
        let stale = try await token(lifetime: .seconds(-1))
        #expect(await refusal { try await admit(credential: stale) }?.reason == .credentialExpired)
        let other = try await token(try #require(StreamPattern("other")))
        #expect(await refusal { try await admit(credential: other) }?.reason == .streamNotAllowed)
        let revoked = try await token()
        let claims = try await TokenAuthority(secret: secret).verify(revoked.revealed)
        try revocations.revoke(try #require(claims.jti), until: claims.exp)
        #expect(await refusal { try await admit(credential: revoked) }?.reason == .credentialRevoked)
        #expect(await refusal { try await admit(credential: nil) }?.reason == .credentialMissing)
        let long = Secret(String(repeating: "x", count: 100_000))
        #expect(await refusal { try await admit(credential: long) }?.reason == .credentialMalformed)
        #expect(decider.questions.isEmpty)
    }

    @Test func `whoever needs no credential is asked about too`() async throws {
        let grant = try await admit(.play, credential: nil)
        guard case .anonymous = grant.holder else {
            Issue.record("nobody is known")
            return
        }
        #expect(decider.questions.first?.kind == AccessQuestion.Kind.none)
    }

    @Test func `what an application does not want to decide it is not asked`() async throws {
        let quiet = FakeDecider([.play])
        quiet.decide(.denied(reason: nil))
        _ = try await admit(credential: try await token(), decider: quiet)
        #expect(quiet.questions.isEmpty)
    }
}
