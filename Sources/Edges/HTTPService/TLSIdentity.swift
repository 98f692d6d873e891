import Foundation
import Glibc
import NIOCore
import NIOSSL
import Synchronization

/// The certificate that HTTPS shows, and its key; read anew on request while connections go on with what they have.
package final class TLSIdentity: Sendable {
    private struct Pair: Sendable {
        var chain: [NIOSSLCertificate]
        var key: NIOSSLPrivateKey
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

    /// When the certificate ends, in seconds since 1970.
    package var endsAt: Int64 { pair.withLock { Int64($0.chain.first?.notValidAfter ?? 0) } }

    /// What to say of the certificate's time to people, at `now` in seconds since 1970; `nil` as long as it is good for more
    /// than two weeks.
    package func warning(now: Int64) -> String? {
        let left = endsAt - now
        if left <= 0 { return "the certificate expired on \(HTTPDate.text(endsAt)); clients will refuse it" }
        return left < 14 * 86_400 ? "the certificate expires on \(HTTPDate.text(endsAt)); renew it" : nil
    }

    /// For a listener; each handshake asks for the pair of its moment.
    func configuration() -> TLSConfiguration {
        let now = pair.withLock { $0 }
        var configuration = Self.configuration(now)
        configuration.sslContextCallback = { [self] _, promise in
            let current = pair.withLock { $0 }
            var override = NIOSSLContextConfigurationOverride()
            override.certificateChain = current.chain.map { .certificate($0) }
            override.privateKey = .privateKey(current.key)
            promise.succeed(override)
        }
        return configuration
    }

    private static func configuration(_ pair: Pair) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: pair.chain.map { .certificate($0) }, privateKey: .privateKey(pair.key))
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }

    private static func read(certificate: String, key: String) throws(TLSProblem) -> Pair {
        for path in [certificate, key] where access(path, R_OK) != 0 {
            throw TLSProblem(
                path == key && key != certificate ? .key : .certificate, "\(path): \(String(cString: strerror(errno)))")
        }
        guard let chain = try? NIOSSLCertificate.fromPEMFile(certificate), !chain.isEmpty else {
            throw TLSProblem(.certificate, "\(certificate) holds no certificate in PEM")
        }
        guard let privateKey = try? NIOSSLPrivateKey(file: key, format: .pem) else {
            throw TLSProblem(.key, "\(key) holds no private key in PEM without a passphrase")
        }
        let pair = Pair(chain: chain, key: privateKey)
        guard (try? NIOSSLContext(configuration: configuration(pair))) != nil else {
            throw TLSProblem(.key, "the key in \(key) does not belong to the first certificate in \(certificate)")
        }
        return pair
    }
}

/// Why a certificate cannot be shown.
package struct TLSProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// The setting that is wrong.
    package enum Setting: String, Sendable {
        case certificate = "http.tls.certificate"
        case key = "http.tls.key"
    }

    package var setting: Setting
    /// What is wrong, in plain words.
    package var reason: String

    init(_ setting: Setting, _ reason: String) {
        self.setting = setting
        self.reason = reason
    }

    package var description: String { "\(setting.rawValue): \(reason)" }
}
