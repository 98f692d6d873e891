import Foundation
import NIOSSL
import SwiftASN1
import X509

/// What people should know of a certificate, for logs and examinations.
package struct CertificateFacts: Sendable, Equatable {
    /// Two weeks before its end there should be another: those who renew automatically do so a month before.
    private static let notice = Int64(14 * 86_400)
    /// Certificates can name thousands of hosts.
    private static let maximumNames = 8

    /// When it ends, in seconds since 1970.
    package var endsAt: Int64
    /// The host names and addresses that it is for; the first eight.
    package var names: [String]
    /// Whether it is signed by somebody else of whom nothing is in the file.
    package var lacksIssuer: Bool

    init(_ certificate: NIOSSLCertificate, chainLength: Int) {
        endsAt = Int64(certificate.notValidAfter)
        names = []
        lacksIssuer = false
        guard let bytes = try? certificate.toDERBytes(), let parsed = try? Certificate(derEncoded: bytes) else {
            return
        }
        lacksIssuer = chainLength == 1 && parsed.issuer != parsed.subject
        let alternatives = (try? parsed.extensions.subjectAlternativeNames) ?? nil
        names = (alternatives ?? SubjectAlternativeNames()).prefix(Self.maximumNames).compactMap(Self.name)
    }

    /// What to say of the certificate's time, at `now` in seconds since 1970; `nil` as long as it is good for more than two
    /// weeks.
    package func warning(now: Int64) -> String? {
        let left = endsAt - now
        if left <= 0 { return "the certificate expired on \(endDate); clients will refuse it" }
        return left < Self.notice ? "the certificate expires on \(endDate); renew it" : nil
    }

    /// When it ends, as in 2027-01-31 (UTC).
    package var endDate: String {
        Date(timeIntervalSince1970: TimeInterval(endsAt)).formatted(.iso8601.year().month().day())
    }

    private static func name(_ name: GeneralName) -> String? {
        switch name {
        case .dnsName(let name): name
        case .ipAddress(let address): text(Array(address.bytes))
        default: nil
        }
    }

    private static func text(_ address: [UInt8]) -> String? {
        if address.count == 4 { return address.map { "\($0)" }.joined(separator: ".") }
        guard address.count == 16 else { return nil }
        let parts = stride(from: 0, to: 16, by: 2).map { UInt16(address[$0]) << 8 | UInt16(address[$0 + 1]) }
        return parts.map { String($0, radix: 16) }.joined(separator: ":")
    }
}
