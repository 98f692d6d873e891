package import Gateway
import Media
package import Primitives

/// Decides which streams are recorded, and follows them from their first publisher to their end.
///
/// A stream is recorded when the configuration names it, when a publisher's token asks for it, or when the API does; the API may
/// also end a recording. What the API said counts until the stream is over, unless a publisher's token forbids recordings.
package actor Recorder {
    private let gateway: Gateway
    private let thread: RecordingThread
    /// What was recorded.
    package nonisolated var archive: RecordingArchive { thread.archive }
    /// Whether the configuration names a stream.
    private let isConfigured: @Sendable (StreamName) -> Bool
    private var readings: [StreamName: (reading: FrameReading, recording: StreamRecording)] = [:]
    /// Streams whose recording the API has ended.
    private var ended: Set<StreamName> = []

    package init(
        gateway: Gateway, thread: RecordingThread, isConfigured: @escaping @Sendable (StreamName) -> Bool
    ) {
        self.gateway = gateway
        self.thread = thread
        self.isConfigured = isConfigured
    }

    /// Follows the gateway's streams until cancelled.
    package func run() async {
        let (news, report) = AsyncStream.makeStream(of: StreamNews.self)
        await gateway.observeStreams { report.yield($0) }
        for await item in news {
            switch item {
            case .published(let name):
                let wish = await gateway.recordingWish(of: name)
                if wish == false {
                    await end(name)
                } else if !ended.contains(name), isConfigured(name) || wish == true {
                    try? await begin(name)
                }
            case .unpublished, .warned: break
            case .removed(let name):
                ended.remove(name)
                // The reading has ended by itself.
                readings.removeValue(forKey: name)?.recording.finish()
            }
        }
        for reading in readings.values { reading.recording.finish() }
    }

    package func isRecording(_ name: StreamName) -> Bool { readings[name] != nil }

    /// Records a stream from now on; one that is recorded already goes on.
    ///
    /// - Throws: ``GatewayRefusal`` when there is no such stream, or its publisher must not be recorded.
    package func start(_ name: StreamName) async throws(GatewayRefusal) {
        if await gateway.recordingWish(of: name) == false {
            throw GatewayRefusal(
                .recordingNotAllowed, "The token that \"\(name)\" is published with does not allow recordings.")
        }
        try await begin(name)
        ended.remove(name)
    }

    /// Ends the recording of a stream, until it is over or ``start(_:)``.
    ///
    /// - Returns: Whether it was recorded.
    package func stop(_ name: StreamName) async -> Bool {
        guard await end(name) else { return false }
        ended.insert(name)
        return true
    }

    @discardableResult
    private func end(_ name: StreamName) async -> Bool {
        guard let current = readings.removeValue(forKey: name) else { return false }
        await gateway.detach(current.reading)
        current.recording.finish()
        return true
    }

    private func begin(_ name: StreamName) async throws(GatewayRefusal) {
        guard readings[name] == nil else { return }
        let recording = thread.makeRecording(of: name)
        do throws(GatewayRefusal) {
            let reading = try await gateway.attach(recording, to: name)
            guard readings[name] == nil else {
                // Somebody else was quicker while we waited.
                await gateway.detach(reading)
                return recording.finish()
            }
            readings[name] = (reading, recording)
        } catch {
            recording.finish()
            throw error
        }
    }
}
