import Glibc
import NIOCore
package import NIOSSL
import Synchronization

/// The certificate that listeners show, and its key; read anew on request while connections go on with what they have.
package final class TLSIdentity: Sendable {
    private struct Pair: Sendable {
        var chain: [NIOSSLCertificate]
        var key: NIOSSLPrivateKey
        var facts: CertificateFacts
    }

    private let certificatePath: String
    private let keyPath: String
    private let pair: Mutex<Pair>

    /// Reads both files.
    ///
    /// - Parameters:
    ///   - certificate: The path of the certificate and those that lead from it to a known authority, in PEM.
    ///   - key: The path of its private key, in PEM; may be the same file.
    /// - Throws: ``TLSProblem``.
    package init(certificate: String, key: String) throws(TLSProblem) {
        certificatePath = certificate
        keyPath = key
        pair = Mutex(try Self.read(certificate: certificate, key: key))
    }

    /// Reads the files again; new connections get what is in them.
    ///
    /// - Throws: ``TLSProblem``, and then the pair of before stays.
    package func reload() throws(TLSProblem) {
        let read = try Self.read(certificate: certificatePath, key: keyPath)
        pair.withLock { $0 = read }
    }

    /// What people should know of the certificate.
    package var facts: CertificateFacts { pair.withLock { $0.facts } }

    /// For a listener; each handshake asks for the pair of its moment.
    ///
    /// - Parameter protocols: What may be spoken over the connection, the best first (ALPN, RFC 7301).
    /// - Returns: TLS 1.2 and later.
    package func configuration(protocols: [String] = []) -> TLSConfiguration {
        let now = pair.withLock { $0 }
        var configuration = Self.configuration(now.chain, now.key)
        configuration.applicationProtocols = protocols
        configuration.sslContextCallback = { [self] _, promise in
            let current = pair.withLock { $0 }
            var override = NIOSSLContextConfigurationOverride()
            override.certificateChain = current.chain.map { .certificate($0) }
            override.privateKey = .privateKey(current.key)
            promise.succeed(override)
        }
        return configuration
    }

    private static func configuration(_ chain: [NIOSSLCertificate], _ key: NIOSSLPrivateKey) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }

    private static func read(certificate: String, key: String) throws(TLSProblem) -> Pair {
        for path in [certificate, key] where access(path, R_OK) != 0 {
            throw TLSProblem(
                path == key && key != certificate ? .key : .certificate, "\(path): \(String(cString: strerror(errno)))",
                cure: "name a file that the gateway's user can read")
        }
        guard let chain = try? NIOSSLCertificate.fromPEMFile(certificate), let first = chain.first else {
            throw TLSProblem(
                .certificate, "\(certificate) holds no certificate in PEM",
                cure: "write the certificate there, and those of its issuers behind it (fullchain.pem)")
        }
        guard let privateKey = try? NIOSSLPrivateKey(file: key, format: .pem) else {
            throw TLSProblem(
                .key, "\(key) holds no private key in PEM without a passphrase",
                cure: "write the key there that the certificate was made for (privkey.pem)")
        }
        guard (try? NIOSSLContext(configuration: configuration(chain, privateKey))) != nil else {
            throw TLSProblem(
                .key, "the key in \(key) does not belong to the first certificate in \(certificate)",
                cure: "write both files of the same order, the host's own certificate first")
        }
        return Pair(chain: chain, key: privateKey, facts: CertificateFacts(first, chainLength: chain.count))
    }
}
