import Foundation
import Logging
import ServiceLifecycle
import Telemetry
import TransportSecurity
import UnixSignals

/// Reads the certificate again at SIGHUP; connections go on with what they have.
struct CertificateReload: Service, CustomStringConvertible {
    let identity: TLSIdentity
    let logger: Logger

    var description: String { "certificate" }

    func run() async throws {
        warn()
        await cancelWhenGracefulShutdown {
            for await _ in await UnixSignalsSequence(trapping: .sighup) { reload() }
        }
    }

    private func reload() {
        do throws(TLSProblem) {
            try identity.reload()
            logger.notice("Certificate read again")
            warn()
        } catch {
            logger.error(
                "The certificate cannot be read again; the one of before stays. Mend it, and send SIGHUP once more",
                metadata: [
                    LogKeys.setting: "\(error.setting.rawValue)",
                    LogKeys.errorMessage: "\(error.reason); \(error.cure)",
                ])
        }
    }

    private func warn() {
        guard let warning = identity.facts.warning(now: Int64(Date.now.timeIntervalSince1970)) else { return }
        logger.warning("Certificate needs attention", metadata: [LogKeys.warning: "\(warning)"])
    }
}
