import Auth
import Foundation

/// What an answer means.
enum DecisionAnswer {
    private struct Body: Decodable {
        var allow: Bool?
        var reason: String?
        /// Seconds.
        var lifetime: Int64?
        var maximumBitrate: Int?
        var record: Bool?

        enum CodingKeys: String, CodingKey {
            case allow, reason, record
            case lifetime = "expires_in"
            case maximumBitrate = "max_bitrate"
        }
    }

    /// Letters of a reason that are passed on.
    private static let maximumReason = 200

    /// Reads an answer: 2xx is a yes unless its JSON says otherwise, 401 and 403 are a no, everything else is no answer.
    ///
    /// - Parameters:
    ///   - answer: From the application.
    ///   - needsWord: Whether only `"allow": true` is a yes: receivers that answer 200 to everything must not let in whoever
    ///     presents anything at all.
    ///   - unixSeconds: The time of day, which `expires_in` counts from.
    /// - Returns: `nil` for no answer.
    static func verdict(_ answer: WebhookAnswer, needsWord: Bool, unixSeconds: Int64) -> AccessVerdict? {
        let isJSON = answer.type == "application/json" || answer.type?.hasSuffix("+json") == true
        let body = isJSON ? try? JSONDecoder().decode(Body.self, from: Data(answer.body)) : nil
        switch answer.status {
        case 401, 403: return .denied(reason: reason(body?.reason))
        case 200..<300: break
        default: return nil
        }
        // What claims to be JSON must be, and a page for people is no answer of an application.
        guard !isJSON || body != nil || answer.body.isEmpty, answer.type != "text/html" else { return nil }
        guard body?.allow ?? !needsWord else { return .denied(reason: reason(body?.reason)) }
        let lifetime = body?.lifetime.map { min(max($0, 0), 366 * 86_400) }
        return .allowed(
            AccessConditions(
                expiresAt: lifetime.map { unixSeconds + $0 }, maximumBitrate: body?.maximumBitrate.map { max($0, 1) },
                record: body?.record))
    }

    /// Text for people, without what could break a log or a header.
    private static func reason(_ text: String?) -> String? {
        guard let text else { return nil }
        let safe = text.unicodeScalars.prefix(maximumReason).filter { $0.value >= 0x20 && $0.value != 0x7F }
        return safe.isEmpty ? nil : String(String.UnicodeScalarView(safe))
    }
}
