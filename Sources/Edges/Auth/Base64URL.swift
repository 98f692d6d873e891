import Foundation

/// Base 64 with the URL-safe alphabet and without padding (RFC 4648 section 5).
enum Base64URL {
    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// - Returns: `nil` for anything else than the alphabet.
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var standard = String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        while standard.utf8.count % 4 != 0 {
            guard standard.utf8.count % 4 != 1 else { return nil }
            standard += "="
        }
        return Data(base64Encoded: standard).map { [UInt8]($0) }
    }
}
