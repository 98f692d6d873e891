import Crypto
package import Foundation
package import Primitives
import SwiftASN1
import X509

/// A certificate that no authority vouches for, for a phone's camera on the LAN: browsers give it to secure pages alone.
package enum SelfSignedCertificate {
    /// As long as browsers accept one.
    private static let lifetime = TimeInterval(397 * 86_400)
    /// Clocks of phones may be behind.
    private static let leeway = TimeInterval(86_400)

    /// Makes a key pair on P-256 with the certificate that it signs for itself.
    ///
    /// - Parameters:
    ///   - names: Host names of this machine.
    ///   - addresses: Its addresses.
    ///   - now: From when it counts.
    /// - Returns: Certificate and key in PEM, one after the other; `nil` when a name is none.
    package static func pem(names: [String], addresses: [TransportAddress], now: Date = .now) -> String? {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let alternatives =
            names.map { GeneralName.dnsName($0) }
            + addresses.map { GeneralName.ipAddress(ASN1OctetString(contentBytes: bytes(of: $0)[...])) }
        do {
            let name = try DistinguishedName { CommonName("Martlet") }
            let certificate = try Certificate(
                version: .v3,
                serialNumber: Certificate.SerialNumber(),
                publicKey: key.publicKey,
                notValidBefore: now.addingTimeInterval(-leeway),
                notValidAfter: now.addingTimeInterval(lifetime),
                issuer: name,
                subject: name,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    // Without KeyUsage: a key that may not sign certificates did not sign this one either, say clients
                    // that are told to trust it.
                    try ExtendedKeyUsage([.serverAuth])
                    SubjectAlternativeNames(alternatives)
                },
                issuerPrivateKey: key)
            return try certificate.serializeAsPEM().pemString + "\n" + key.serializeAsPEM().pemString + "\n"
        } catch {
            return nil
        }
    }

    /// Four bytes or sixteen (RFC 5280 section 4.2.1.6).
    private static func bytes(of address: TransportAddress) -> [UInt8] {
        func bytes(_ number: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * (count - 1 - $0))) }
        }
        if let ipv4 = address.ipv4 { return bytes(UInt64(ipv4), 4) }
        return bytes(address.high, 8) + bytes(address.low, 8)
    }
}
