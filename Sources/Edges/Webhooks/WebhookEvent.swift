import Auth
import Foundation
package import Telemetry

/// Something that happened, as the application is told it.
package struct WebhookEvent: Sendable {
    /// What happened; the words stand in the body and in the log of deliveries.
    package enum Kind: String, Sendable, CaseIterable {
        case streamStarted = "stream.started"
        case streamEnded = "stream.ended"
        case recordingStarted = "recording.started"
        case recordingEnded = "recording.ended"
        case ingestWarning = "ingest.warning"
    }

    /// The same in every attempt, so that receivers can tell a repetition from something new.
    package let id: String
    package let kind: Kind
    package let time: Timestamp
    /// A JSON object, as it is sent and signed.
    package let body: [UInt8]

    package init(id: String = WebhookBody.newID(), kind: Kind, time: Timestamp, body: [UInt8]) {
        self.id = id
        self.kind = kind
        self.time = time
        self.body = body
    }
}

/// The JSON that applications are sent.
package enum WebhookBody {
    private struct Envelope<Content: Encodable>: Encodable {
        var type: String
        var timestamp: String
        var node: String
        var data: Content
    }

    package static func newID() -> String { "msg_\(RandomText.hexadecimal(bytes: 12))" }

    /// `{"type":…,"timestamp":…,"node":…,"data":{…}}`, with names in order, so that equal content is equal bytes.
    static func encode(type: String, time: Timestamp, node: String, data: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let envelope = Envelope(type: type, timestamp: time.text, node: node, data: data)
        // Texts and numbers of ours can always be written.
        return (try? encoder.encode(envelope)).map { [UInt8]($0) } ?? []
    }
}
