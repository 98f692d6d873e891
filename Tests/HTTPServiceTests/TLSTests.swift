import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOSSL
import Primitives
import Testing

@testable import HTTPService

@Suite("Certificates")
struct TLSTests {
    /// A directory that is gone after the test.
    private final class Directory {
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-tls-\(UUID().uuidString)").path()

        init() throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ text: String, to name: String) throws -> String {
            try text.write(toFile: path + "/" + name, atomically: true, encoding: .utf8)
            return path + "/" + name
        }
    }

    private static func pem(now: Date = .now) throws -> String {
        let addresses = ["127.0.0.1", "2001:db8::1"].compactMap { TransportAddress($0, port: 0) }
        return try #require(
            SelfSignedCertificate.pem(names: ["localhost", "cam.local"], addresses: addresses, now: now))
    }

    @Test func `a certificate that was made here can be shown for a year`() throws {
        let directory = try Directory()
        let path = try directory.write(Self.pem(), to: "tls.pem")
        let identity = try TLSIdentity(certificate: path, key: path)
        let now = Int64(Date.now.timeIntervalSince1970)
        #expect((390...398).contains((identity.endsAt - now) / 86_400))
        #expect(identity.warning(now: now) == nil)
        #expect(identity.warning(now: identity.endsAt - 86_400)?.contains("renew") == true)
        #expect(identity.warning(now: identity.endsAt + 1)?.contains("expired") == true)
        #expect(identity.configuration().certificateChain.count == 1)
    }

    @Test func `what cannot be shown is refused with the setting that is wrong`() throws {
        let directory = try Directory()
        let good = try directory.write(Self.pem(), to: "good.pem")
        let other = try directory.write(Self.pem(), to: "other.pem")
        let empty = try directory.write("nothing", to: "empty.pem")
        for (certificate, key, setting, reason) in [
            (good, other, TLSProblem.Setting.key, "does not belong"), (empty, good, .certificate, "no certificate"),
            (good, empty, .key, "no private key"), (directory.path + "/none", good, .certificate, "No such file"),
            (good, directory.path + "/none", .key, "No such file"),
        ] {
            let problem = #expect(throws: TLSProblem.self) { try TLSIdentity(certificate: certificate, key: key) }
            #expect(problem?.setting == setting)
            #expect(problem?.reason.contains(reason) == true, "\(String(describing: problem))")
        }
    }

    @Test func `a pair that is read again replaces the one of before, and a bad one does not`() throws {
        let directory = try Directory()
        let path = try directory.write(Self.pem(now: .now.addingTimeInterval(-86_400 * 100)), to: "tls.pem")
        let identity = try TLSIdentity(certificate: path, key: path)
        let before = identity.endsAt
        _ = try directory.write(Self.pem(), to: "tls.pem")
        try identity.reload()
        let after = identity.endsAt
        #expect(after > before)
        _ = try directory.write("nothing", to: "tls.pem")
        #expect(throws: TLSProblem.self) { try identity.reload() }
        #expect(identity.endsAt == after)
    }

    @Test func `browsers are asked to insist on HTTPS where there is HTTPS`() async throws {
        let directory = try Directory()
        let path = try directory.write(Self.pem(), to: "tls.pem")
        var configuration = HTTPServiceConfiguration()
        configuration.hstsMaxAge = .seconds(3600)
        let plain = try await Client(configuration: configuration).send(.get, "/health/live")
        #expect(plain.headers[.strictTransportSecurity] == nil)
        configuration.tls = try TLSIdentity(certificate: path, key: path)
        let secure = try await Client(configuration: configuration).send(.get, "/health/live")
        #expect(secure.headers[.strictTransportSecurity] == "max-age=3600")
    }
}
