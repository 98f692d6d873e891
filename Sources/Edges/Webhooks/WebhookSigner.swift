import Crypto
import Foundation
package import Primitives

/// Signs what is sent, so that a receiver knows who sent it, and that it is neither changed nor old.
///
/// The form is that of Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`, in base 64 behind `v1,`.
package struct WebhookSigner: Sendable {
    /// In front of a secret that is bytes in base 64.
    private static let prefix = "whsec_"

    private let key: SymmetricKey

    /// - Parameter secret: Of its own accord a text; behind `whsec_` the base 64 of the key.
    package init(secret: Secret) {
        let text = secret.revealed
        let decoded = text.hasPrefix(Self.prefix) ? Data(base64Encoded: String(text.dropFirst(Self.prefix.count))) : nil
        key = SymmetricKey(data: decoded ?? Data(text.utf8))
    }

    /// What stands in `webhook-signature`.
    ///
    /// - Parameters:
    ///   - id: The message's, as in `webhook-id`.
    ///   - timestamp: Seconds since 1970 at which it is sent, as in `webhook-timestamp`.
    ///   - body: As it is sent.
    /// - Returns: The version and the code.
    package func sign(id: String, timestamp: Int64, body: [UInt8]) -> String {
        var code = HMAC<SHA256>(key: key)
        code.update(data: Array("\(id).\(timestamp).".utf8))
        code.update(data: body)
        return "v1,\(Data(code.finalize()).base64EncodedString())"
    }

    func request(id: String, timestamp: Int64, body: [UInt8]) -> WebhookRequest {
        WebhookRequest(
            fields: [
                ("Content-Type", "application/json"), ("webhook-id", id), ("webhook-timestamp", "\(timestamp)"),
                ("webhook-signature", sign(id: id, timestamp: timestamp, body: body)),
            ],
            body: body)
    }
}
