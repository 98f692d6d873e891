import NIOSSL
import Testing

@testable import TransportSecurity

@Suite("Whom clients trust")
struct ServerTrustTests {
    @Test func `by default a certificate is looked at, and with insecure none is`() throws {
        #expect(try ServerTrust.system.configuration().certificateVerification == .fullVerification)
        #expect(try ServerTrust.anyone.configuration().certificateVerification == .none)
    }

    @Test func `a file of authorities is the only one that counts`() throws {
        let directory = try Directory()
        let path = try directory.write(TLSIdentityTests.pem(), to: "ca.pem")
        let configuration = try ServerTrust.authority(path: path).configuration()
        #expect(configuration.certificateVerification == .fullVerification)
        guard case .certificates(let roots) = configuration.trustRoots else {
            Issue.record("other authorities count as well")
            return
        }
        #expect(roots.count == 1)
    }

    @Test func `a file without a certificate is refused with its name`() throws {
        let directory = try Directory()
        for path in [try directory.write("nothing", to: "ca.pem"), directory.path + "/none"] {
            let error = #expect(throws: ServerTrustError.self) { try ServerTrust.authority(path: path).configuration() }
            #expect(error?.description.contains(path) == true)
        }
    }

    @Test(arguments: ["localhost", "127.0.0.1", "::1", "stream.example.org"])
    func `names and addresses can be asked for`(host: String) throws {
        let context = try NIOSSLContext(configuration: ServerTrust.system.configuration())
        _ = try ServerTrust.handler(context, host: host)
    }
}
