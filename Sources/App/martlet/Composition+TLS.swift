import Auth
import Foundation
import GatewayConfiguration
import Glibc
import Primitives
import RTMPService
import TransportSecurity

extension Composition {
    /// A certificate of our own is made anew when it ends sooner than this.
    private static let renewal = Int64(30 * 86_400)

    /// The certificate for HTTPS.
    ///
    /// - Parameters:
    ///   - settings: Where it is.
    ///   - addresses: Those of this machine, for a certificate that is made here.
    /// - Returns: `nil` for plain HTTP.
    /// - Throws: ``CommandFailure`` with the key that is wrong.
    static func tls(_ settings: Settings, addresses: [TransportAddress]) throws(CommandFailure) -> TLSIdentity? {
        let tls = settings.http.tls
        switch (tls.certificate, tls.key) {
        case (let certificate?, let key?): return try identity(certificate: certificate, key: key)
        case (_?, nil): throw CommandFailure("http.tls.key: not set, although http.tls.certificate is; set both")
        case (nil, _?): throw CommandFailure("http.tls.certificate: not set, although http.tls.key is; set both")
        case (nil, nil): break
        }
        guard tls.selfSigned else { return nil }
        let names = ["localhost", hostName] + settings.webrtc.announce.filter(HostNames.isName)
        let path = try selfSigned(settings, names: names, addresses: addresses)
        let made = try identity(certificate: path, key: path)
        guard made.facts.endsAt - Int64(Date.now.timeIntervalSince1970) < renewal else { return made }
        unlink(path)
        let again = try selfSigned(settings, names: names, addresses: addresses)
        return try identity(certificate: again, key: again)
    }

    /// The listener of RTMPS, which has the certificate of HTTPS; `nil` where there is none.
    static func rtmps(_ settings: Settings, _ tls: TLSIdentity?) throws(CommandFailure) -> RTMPServiceConfiguration? {
        guard let port = settings.rtmpsPort else { return nil }
        guard let tls else { throw missingCertificate }
        return rtmp(settings, port: port, tls: tls)
    }

    static let missingCertificate = CommandFailure(
        "rtmps.port: there is no certificate; set http.tls.certificate and http.tls.key, or http.tls.self_signed")

    private static func identity(certificate: String, key: String) throws(CommandFailure) -> TLSIdentity {
        do throws(TLSProblem) {
            return try TLSIdentity(certificate: certificate, key: key)
        } catch {
            throw CommandFailure(error.description)
        }
    }

    private static func selfSigned(
        _ settings: Settings, names: [String], addresses: [TransportAddress]
    ) throws(CommandFailure) -> String {
        let here = ["127.0.0.1", "::1"].compactMap { TransportAddress($0, port: 0) }
        guard let pem = SelfSignedCertificate.pem(names: names, addresses: here + addresses) else {
            throw CommandFailure(
                "http.tls.self_signed: no certificate can be made for \(names.joined(separator: ", "))")
        }
        do {
            return try SecretStore(directory: settings.dataDirectory).certificatePath { pem }
        } catch {
            throw CommandFailure("data.directory: \(error)")
        }
    }

    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
