package import NIOSSL
import Primitives

/// Whose certificate our own clients take.
package enum ServerTrust: Sendable, Equatable {
    /// Those that lead to an authority which this machine knows.
    case system
    /// Those that lead to a certificate in this file, in PEM, and no others.
    case authority(path: String)
    /// All.
    case anyone

    /// For the connections of a client.
    ///
    /// - Throws: When the file holds no certificate.
    package func configuration() throws(ServerTrustError) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        switch self {
        case .system: break
        case .authority(let path):
            guard let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty else {
                throw ServerTrustError(path: path)
            }
            configuration.trustRoots = .certificates(certificates)
        case .anyone: configuration.certificateVerification = .none
        }
        return configuration
    }

    /// The client's side of TLS for a connection to `host`.
    ///
    /// - Throws: When the name cannot be one of a certificate.
    package static func handler(_ context: NIOSSLContext, host: String) throws -> NIOSSLClientHandler {
        // An address is no server name (RFC 6066 section 3); NIOSSL looks for it in the certificate by itself.
        let isAddress = TransportAddress(host, port: 0) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }

    /// Why there was no handshake, by what NIOSSL says, in plain words with a cure.
    package static func describe(_ error: any Error) -> String {
        let text = String(describing: error)
        if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("unableToValidateCertificate") {
            return "its certificate is not trusted here; give --ca FILE, or --insecure"
        }
        if text.contains("WRONG_VERSION_NUMBER") { return "the server does not speak TLS there" }
        return String(text.prefix(200))
    }
}

/// A file of authorities that is none.
package struct ServerTrustError: Error, Sendable, Equatable, CustomStringConvertible {
    package var path: String

    package var description: String { "\(path) cannot be read, or holds no certificate in PEM" }
}
