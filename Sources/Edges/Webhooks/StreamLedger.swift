package import Gateway
import Primitives
package import Recording
package import Telemetry

/// Turns what happens to streams into events: one start and one end for each, however often its publisher comes and goes between.
package struct StreamLedger {
    private struct StreamData: Encodable {
        var stream: String
        var source: String?
        var durationSeconds: Double?
    }

    private struct WarningData: Encodable {
        var stream: String
        var code: String
        var message: String
    }

    private struct RecordingData: Encodable {
        var stream: String
        var recording: String
        var durationSeconds: Double
        var bytes: Int64

        init(_ recording: Recording) {
            stream = recording.stream.description
            self.recording = recording.id
            durationSeconds = (recording.seconds * 1_000).rounded() / 1_000
            bytes = recording.bytes
        }
    }

    private let node: String
    /// When each stream began, as many as the gateway has.
    private var startedAt: [StreamName: Timestamp] = [:]

    /// - Parameter node: The gateway's name.
    package init(node: String) {
        self.node = node
    }

    /// - Parameters:
    ///   - news: What happened.
    ///   - source: What publishes the stream, where it is known.
    ///   - time: When.
    /// - Returns: What the application is told, if anything.
    package mutating func event(for news: StreamNews, source: String?, at time: Timestamp) -> WebhookEvent? {
        switch news {
        case .published(let name):
            guard startedAt[name] == nil else { return nil }
            startedAt[name] = time
            return event(.streamStarted, time, StreamData(stream: name.description, source: source))
        case .removed(let name):
            guard let start = startedAt.removeValue(forKey: name) else { return nil }
            let seconds = Double(max(time.milliseconds - start.milliseconds, 0)) / 1_000
            return event(.streamEnded, time, StreamData(stream: name.description, durationSeconds: seconds))
        case .warned(let name, let warning):
            return event(
                .ingestWarning, time,
                WarningData(stream: name.description, code: warning.code, message: warning.message))
        case .unpublished: return nil
        }
    }

    /// - Parameters:
    ///   - news: What happened to a recording.
    ///   - time: When.
    /// - Returns: What the application is told.
    package func event(for news: RecordingNews, at time: Timestamp) -> WebhookEvent {
        switch news {
        case .began(let recording): event(.recordingStarted, time, RecordingData(recording))
        case .completed(let recording): event(.recordingEnded, time, RecordingData(recording))
        }
    }

    private func event(_ kind: WebhookEvent.Kind, _ time: Timestamp, _ data: some Encodable) -> WebhookEvent {
        WebhookEvent(
            kind: kind, time: time,
            body: WebhookBody.encode(type: kind.rawValue, time: time, node: node, data: data))
    }
}
