import Auth
import Foundation
import Primitives
import Synchronization
import Testing

@Suite("Revoked tokens")
struct RevocationListTests {
    private func list(path: String? = nil) -> RevocationList { RevocationList(path: path) { 1_000_000 } }

    @Test func `a revoked token is known, another is not`() throws {
        let list = list()
        try list.revoke("a", until: 1_000_060)
        #expect(list.isRevoked("a"))
        #expect(!list.isRevoked("b"))
    }

    @Test func `a token is forgotten when it would have expired by itself`() throws {
        let clock = Clock()
        let list = RevocationList(path: nil) { clock.now }
        try list.revoke("a", until: clock.now + 10)
        clock.advance(by: 11)
        try list.revoke("b", until: clock.now + 10)
        #expect(list.count == 1)
        #expect(!list.isRevoked("a"))
        try list.revoke("c", until: clock.now - 1)
        #expect(list.count == 1)
    }

    @Test func `a full list refuses and forgets nothing`() throws {
        let list = list()
        for number in 0..<RevocationList.capacity { try list.revoke("token-\(number)", until: 1_000_060) }
        #expect(throws: RevocationProblem.full) { try list.revoke("one more", until: 1_000_060) }
        #expect(list.isRevoked("token-0"))
        #expect(list.count == RevocationList.capacity)
        // One that is there already needs no room.
        try list.revoke("token-0", until: 1_000_090)
    }

    @Test func `a restart forgets nothing, and the file is the gateway's alone`() throws {
        let directory = NSTemporaryDirectory() + "martlet-revocations-\(RandomText.hexadecimal(bytes: 8))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/revocations.json"
        try list(path: path).revoke("a", until: 1_000_060)
        #expect(list(path: path).isRevoked("a"))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func `a directory that cannot be written is said, and the token does not count all the same`() {
        let list = list(path: "/nowhere/at/all/revocations.json")
        #expect(throws: RevocationProblem.self) { try list.revoke("a", until: 1_000_060) }
        #expect(list.isRevoked("a"))
    }

    @Test func `a revoked token is refused, and one with more claims says what it allows`() async throws {
        let tokens = await TokenAuthority(secret: Secret(String(repeating: "0123456789abcdef", count: 2)))
        let list = RevocationList(path: nil)
        let authorizer = Authorizer(policy: AccessPolicy(play: .nobody), tokens: tokens, revocations: list)
        let token = try await tokens.issue(
            stream: try #require(StreamPattern("cam")), permissions: [.publish, .subscribe], lifetime: .seconds(60),
            streams: [try #require(StreamPattern("studio-*"))], record: false, maximumBitrate: 4_000_000)
        let origin = RequestOrigin(peer: TransportAddress("192.0.2.7", port: 1), transport: .socket)
        let grant = try await authorizer.authorize(
            .publish, stream: StreamName("studio-1"), credential: token, origin: origin)
        #expect(grant.record == false)
        #expect(grant.maximumBitrate == 4_000_000)
        let id = try #require(grant.tokenID)
        let end = try #require(grant.expiresAt)
        // Who may subscribe may play.
        _ = try await authorizer.authorize(.play, stream: StreamName("cam"), credential: token, origin: origin)
        await #expect(throws: AuthRefusal.self) {
            try await authorizer.authorize(.publish, stream: StreamName("other"), credential: token, origin: origin)
        }
        try list.revoke(id, until: end)
        do throws(AuthRefusal) {
            _ = try await authorizer.authorize(.play, stream: StreamName("cam"), credential: token, origin: origin)
            Issue.record("a revoked token was taken")
        } catch {
            #expect(error.reason == .credentialRevoked)
            #expect(error.status == 401)
        }
    }
}

private final class Clock: Sendable {
    private let seconds = Mutex<Int64>(1_000_000)
    var now: Int64 { seconds.withLock { $0 } }
    func advance(by count: Int64) { seconds.withLock { $0 += count } }
}
