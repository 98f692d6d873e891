import Auth
import Foundation
import Primitives
import Testing

@Suite("Generated secrets")
struct SecretStoreTests {
    /// Runs `body` with a directory that does not exist yet.
    private func withDirectory(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    private func mode(of path: String) throws -> Int {
        let value = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        return try #require(value as? NSNumber).intValue
    }

    @Test func `a secret is made once and kept`() async throws {
        try await withDirectory { directory in
            let first = try SecretStore(directory: directory).tokenSecret()
            #expect(first.revealed.utf8.count >= TokenAuthority.minimumSecretLength)
            #expect(try SecretStore(directory: directory).tokenSecret() == first)
        }
    }

    @Test func `nobody else can read it`() async throws {
        try await withDirectory { directory in
            let store = SecretStore(directory: directory)
            _ = try store.tokenSecret()
            #expect(try mode(of: store.path(of: "jwt.secret")) == 0o600)
            #expect(try mode(of: directory) == 0o700)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["jwt.secret"])
        }
    }

    @Test func `a file that others can read is closed again`() async throws {
        try await withDirectory { directory in
            let store = SecretStore(directory: directory)
            let first = try store.tokenSecret()
            chmod(store.path(of: "jwt.secret"), 0o644)
            #expect(try store.tokenSecret() == first)
            #expect(try mode(of: store.path(of: "jwt.secret")) == 0o600)
        }
    }

    @Test func `starting many times at once makes one secret`() async throws {
        try await withDirectory { directory in
            let secrets = try await withThrowingTaskGroup { group in
                for _ in 0..<16 { group.addTask { try SecretStore(directory: directory).tokenSecret().revealed } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(secrets.count == 1)
        }
    }

    @Test func `a secret that was cut short is refused`() async throws {
        try await withDirectory { directory in
            let store = SecretStore(directory: directory)
            _ = try store.tokenSecret()
            try "short".write(toFile: store.path(of: "jwt.secret"), atomically: false, encoding: .utf8)
            let error = #expect(throws: SecretStoreError.self) { try store.tokenSecret() }
            #expect(error?.description.contains("jwt.secret") == true)
        }
    }

    @Test func `a place that cannot be written names itself`() {
        let error = #expect(throws: SecretStoreError.self) {
            try SecretStore(directory: "/proc/no/such/place").tokenSecret()
        }
        #expect(error?.description.contains("/proc/no/such/place") == true)
    }

    @Test func `a node gets a name and keeps it`() async throws {
        try await withDirectory { directory in
            let store = SecretStore(directory: directory)
            let name = try store.nodeID()
            #expect(name.utf8.count == 8)
            #expect(try store.nodeID() == name)
        }
    }
}

@Suite("TURN credentials")
struct TURNCredentialTests {
    // The password is from: printf %s 1800000000:martlet | openssl dgst -sha1 -hmac hunter2 -binary | base64
    @Test func `a credential is what coturn expects`() {
        let made = TURNCredential(secret: Secret("hunter2"), expiresAt: 1_800_000_000)
        #expect(made.username == "1800000000:martlet")
        #expect(made.password == Secret("3sY2CnXP+HoO6nAzn9cRV4fi5h4="))
    }
}
