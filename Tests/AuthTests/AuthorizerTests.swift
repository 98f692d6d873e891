import Auth
import Primitives
import Testing

private let secret = Secret("0123456789abcdef0123456789abcdef")
private let here = RequestOrigin(peer: TransportAddress(ipv4: 0x7F00_0001, port: 1), transport: .socket)
private let elsewhere = RequestOrigin(peer: TransportAddress(ipv4: 0xC000_0201, port: 1), transport: .socket)
/// SHA-256 of "swordfish", from sha256sum.
private let swordfish = "b9f195c5cc7ef6afadbfbc42892ad47d3b24c6bc94bb510c4564a90a14e8b799"

@Suite("Who may do what")
struct AuthorizerTests {
    private let cam = StreamName("cam")

    private func authorizer(_ policy: AccessPolicy = AccessPolicy()) async -> Authorizer {
        Authorizer(policy: policy, tokens: await TokenAuthority(secret: secret))
    }

    private func token(
        _ stream: String,
        _ permissions: [Permission],
        lifetime: Duration = .seconds(60),
        subject: String? = nil
    ) async throws -> Secret {
        let pattern = try #require(StreamPattern(stream))
        return try await TokenAuthority(secret: secret).issue(
            stream: pattern,
            permissions: permissions,
            lifetime: lifetime,
            subject: subject
        )
    }

    private func reason(
        _ permission: Permission,
        stream: StreamName?,
        credential: Secret?,
        from origin: RequestOrigin = elsewhere,
        policy: AccessPolicy = AccessPolicy()
    ) async -> AuthRefusal.Reason? {
        do {
            _ = try await authorizer(policy).authorize(
                permission,
                stream: stream,
                credential: credential,
                origin: origin
            )
            return nil
        } catch {
            return error.reason
        }
    }

    @Test func `without settings this machine may do all and others may watch`() async {
        #expect(await reason(.publish, stream: cam, credential: nil, from: here) == nil)
        #expect(await reason(.admin, stream: nil, credential: nil, from: here) == nil)
        #expect(await reason(.play, stream: cam, credential: nil) == nil)
        #expect(await reason(.publish, stream: cam, credential: nil) == .credentialMissing)
        #expect(await reason(.admin, stream: nil, credential: nil) == .credentialMissing)
    }

    @Test(arguments: Permission.allCases, AccessPolicy.Anonymous.allCases)
    func `each policy holds for its permission`(permission: Permission, anonymous: AccessPolicy.Anonymous) async {
        var policy = AccessPolicy(publish: .nobody, play: .nobody, rooms: .nobody, admin: .nobody)
        switch permission {
        case .publish: policy.publish = anonymous
        case .play: policy.play = anonymous
        case .subscribe: policy.rooms = anonymous
        case .admin: policy.admin = anonymous
        }
        let local = await reason(permission, stream: cam, credential: nil, from: here, policy: policy)
        let remote = await reason(permission, stream: cam, credential: nil, policy: policy)
        #expect((local == nil) == (anonymous != .nobody))
        #expect((remote == nil) == (anonymous == .anyone))
    }

    @Test func `a token opens its streams and its permissions alone`() async throws {
        let token = try await token("cam*", [.publish])
        #expect(await reason(.publish, stream: cam, credential: token) == nil)
        #expect(await reason(.publish, stream: StreamName("cam-2"), credential: token) == nil)
        #expect(await reason(.publish, stream: StreamName("other"), credential: token) == .streamNotAllowed)
        #expect(await reason(.play, stream: cam, credential: token) == .permissionNotAllowed)
        #expect(await reason(.admin, stream: nil, credential: token) == .permissionNotAllowed)
    }

    @Test func `what shows every stream needs a token for every stream`() async throws {
        #expect(await reason(.admin, stream: nil, credential: try token("*", [.admin])) == nil)
        #expect(await reason(.admin, stream: nil, credential: try token("cam", [.admin])) == .streamNotAllowed)
        #expect(await reason(.admin, stream: cam, credential: try token("cam", [.admin])) == nil)
    }

    @Test func `a bad credential is refused even where none is needed`() async throws {
        let expired = try await token("*", [.publish, .play, .admin], lifetime: .seconds(-1))
        for origin in [here, elsewhere] {
            #expect(await reason(.play, stream: cam, credential: expired, from: origin) == .credentialExpired)
            #expect(await reason(.play, stream: cam, credential: Secret("x"), from: origin) == .credentialMalformed)
            #expect(await reason(.play, stream: cam, credential: Secret(""), from: origin) == .credentialMalformed)
        }
    }

    @Test func `a stream key publishes its streams and does nothing else`() async throws {
        let pattern = try #require(StreamPattern("cam*"))
        let policy = AccessPolicy(keys: [.init(pattern: pattern, sha256: swordfish)])
        let key = Secret("swordfish")
        #expect(await reason(.publish, stream: cam, credential: key, policy: policy) == nil)
        #expect(await reason(.publish, stream: StreamName("x"), credential: key, policy: policy) == .streamNotAllowed)
        #expect(await reason(.play, stream: cam, credential: key, policy: policy) == .permissionNotAllowed)
        #expect(
            await reason(.publish, stream: cam, credential: Secret(swordfish), policy: policy) == .credentialMalformed
        )
    }

    @Test func `a holder keeps its identity and gives nothing away`() async throws {
        let authorizer = await authorizer(AccessPolicy(publish: .anyone, keys: [.init(sha256: swordfish)]))
        func holder(_ credential: Secret?, _ origin: RequestOrigin) async throws -> Grant.Holder {
            try await authorizer.authorize(.publish, stream: cam, credential: credential, origin: origin).holder
        }
        let first = try await holder(try token("*", [.publish], subject: "studio"), elsewhere)
        let renewed = try await holder(try token("*", [.publish], lifetime: .seconds(90), subject: "studio"), here)
        #expect(first == renewed)
        #expect(try await holder(try token("*", [.publish], subject: "other"), here) != first)
        #expect(try await holder(nil, here) == .loopback)
        let key = try await holder(Secret("swordfish"), here)
        #expect(key != first)
        #expect(!"\(key)".contains("swordfish") && !"\(key)".contains(swordfish))
        guard case .anonymous = try await holder(nil, elsewhere) else {
            Issue.record("somebody elsewhere without a credential is anonymous")
            return
        }
    }

    @Test(arguments: [Permission.publish, .play, .admin])
    func `a refusal names the command that makes the credential`(permission: Permission) async {
        let policy = AccessPolicy(publish: .nobody, play: .nobody, rooms: .nobody, admin: .nobody)
        let stream = permission == .admin ? nil : cam
        do {
            _ = try await authorizer(policy).authorize(
                permission,
                stream: stream,
                credential: nil,
                origin: elsewhere
            )
            Issue.record("nobody may")
        } catch {
            let wanted = "martlet token create --stream \(stream == nil ? "'*'" : "cam") --allow \(permission.rawValue)"
            #expect(error.detail.contains(wanted))
            #expect(error.status == 401)
        }
    }

    @Test func `a good credential of another's business is 403`() async throws {
        let token = try await token("other", [.publish])
        do {
            _ = try await authorizer().authorize(.publish, stream: cam, credential: token, origin: elsewhere)
            Issue.record("the token is for another stream")
        } catch {
            #expect(error.status == 403)
            #expect(!error.detail.contains(token.revealed))
        }
    }
}

@Suite("Stream patterns")
struct StreamPatternTests {
    @Test(arguments: [
        ("cam", "cam", true), ("cam", "cam2", false), ("cam", "Cam", false), ("*", "anything", true),
        ("cam*", "cam", true), ("cam*", "cam-2", true), ("*cam", "webcam", true), ("*cam", "camera", false),
        ("a*b*c", "a-b-b-c", true), ("a*b*c", "a-c-b", false), ("**", "x", true), ("a**b", "ab", true),
    ])
    func `a star stands for anything`(pattern: String, name: String, matches: Bool) throws {
        #expect(try #require(StreamPattern(pattern)).matches(name) == matches)
    }

    @Test(arguments: ["", "a/b", "a b", "ä", "a?", String(repeating: "a", count: 129)])
    func `anything outside the alphabet is refused`(text: String) {
        #expect(StreamPattern(text) == nil)
    }

    @Test func `many stars stay cheap`() throws {
        let pattern = try #require(StreamPattern(String(repeating: "a*", count: 60) + "b"))
        #expect(!pattern.matches(String(repeating: "a", count: 128)))
    }
}
