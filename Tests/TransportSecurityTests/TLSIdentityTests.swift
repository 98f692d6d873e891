import Foundation
import NIOSSL
import Primitives
import Testing

@testable import TransportSecurity

@Suite("Certificates")
struct TLSIdentityTests {
    static func pem(names: [String] = ["localhost", "cam.local"], now: Date = .now) throws -> String {
        let addresses = ["127.0.0.1", "2001:db8::1"].compactMap { TransportAddress($0, port: 0) }
        return try #require(SelfSignedCertificate.pem(names: names, addresses: addresses, now: now))
    }

    @Test func `a certificate that was made here can be shown for a year`() throws {
        let directory = try Directory()
        let path = try directory.write(Self.pem(), to: "tls.pem")
        let identity = try TLSIdentity(certificate: path, key: path)
        let facts = identity.facts
        let now = Int64(Date.now.timeIntervalSince1970)
        #expect((390...398).contains((facts.endsAt - now) / 86_400))
        #expect(facts.warning(now: now) == nil)
        #expect(facts.warning(now: facts.endsAt - 86_400)?.contains("renew") == true)
        #expect(facts.warning(now: facts.endsAt + 1)?.contains("expired on \(facts.endDate)") == true)
        #expect(facts.names == ["localhost", "cam.local", "127.0.0.1", "2001:db8:0:0:0:0:0:1"])
        #expect(!facts.lacksIssuer)
        #expect(identity.configuration().certificateChain.count == 1)
        #expect(identity.configuration(protocols: ["h2"]).applicationProtocols == ["h2"])
    }

    @Test func `the day a certificate ends is written in UTC`() throws {
        let directory = try Directory()
        let made = Date(timeIntervalSince1970: 1_800_000_000)
        let path = try directory.write(Self.pem(now: made), to: "tls.pem")
        #expect(try TLSIdentity(certificate: path, key: path).facts.endDate == "2028-02-16")
    }

    @Test func `of a certificate for many names the first eight are told`() throws {
        let directory = try Directory()
        let path = try directory.write(Self.pem(names: (0..<100).map { "host-\($0)" }), to: "tls.pem")
        let names = try TLSIdentity(certificate: path, key: path).facts.names
        #expect(names == (0..<8).map { "host-\($0)" })
    }

    @Test func `what cannot be shown is refused with the setting that is wrong and a cure`() throws {
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
            #expect(problem?.cure.isEmpty == false)
        }
    }

    @Test func `a pair that is read again replaces the one of before, and a bad one does not`() throws {
        let directory = try Directory()
        let path = try directory.write(Self.pem(now: .now.addingTimeInterval(-86_400 * 100)), to: "tls.pem")
        let identity = try TLSIdentity(certificate: path, key: path)
        let before = identity.facts
        _ = try directory.write(Self.pem(), to: "tls.pem")
        try identity.reload()
        let after = identity.facts
        #expect(after.endsAt > before.endsAt)
        _ = try directory.write("nothing", to: "tls.pem")
        #expect(throws: TLSProblem.self) { try identity.reload() }
        #expect(identity.facts == after)
    }
}
