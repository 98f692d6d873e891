import Dispatch
import Glibc
import ISOBMFF
package import Logging
import Media
import MediaIO
package import Primitives
import Synchronization
import Telemetry

/// How recordings are written.
package struct RecordingConfiguration: Sendable {
    /// Where they lie.
    package var directory: String
    /// How long a file becomes at most, but for the wait for a key frame.
    package var segmentDuration: Duration
    /// How large a file becomes at most, but for the wait for a key frame.
    package var segmentBytes: Int
    /// How often the disk is made to keep what was written; zero for each fragment, `nil` for when it likes.
    package var synchronization: Duration?
    package var retention: RecordingRetention

    package init(
        directory: String, segmentDuration: Duration = .seconds(3_600), segmentBytes: Int = 1 << 30,
        synchronization: Duration? = .seconds(5), retention: RecordingRetention = RecordingRetention()
    ) {
        self.directory = directory
        self.segmentDuration = segmentDuration
        self.segmentBytes = segmentBytes
        self.synchronization = synchronization
        self.retention = retention
    }
}

/// What happens to a file, for whoever wants to know.
package enum RecordingNews: Sendable, Equatable {
    case began(Recording)
    case completed(Recording)
}

/// Figures about recordings, for metrics.
package struct RecordingStatistics: Sendable {
    /// Streams that are being recorded.
    package var active = 0
    /// Streams that should be, and whose file cannot be written at present.
    package var paused = 0
    package var bytes: UInt64 = 0
    /// Frames that were left out because the disk did not keep up.
    package var framesDropped: UInt64 = 0
    /// Times that a recording paused, by reason.
    package var pauses: [String: UInt64] = [:]
}

/// Writes all recordings, on one thread of lower priority: a disk that stalls holds up nothing but recordings.
package final class RecordingThread: Sendable {
    /// When a recording that paused tries again, at its next key frame.
    static let retryInterval: Int64 = 5_000
    /// How often old recordings are looked for, in milliseconds.
    private static let retentionInterval: Int64 = 60_000

    package let archive: RecordingArchive
    let queue: RecordingQueue
    private let configuration: RecordingConfiguration
    private let logger: Logger
    private let onNews: @Sendable (RecordingNews) -> Void
    private let statistics = Mutex(RecordingStatistics())
    private let nextID = Atomic<UInt64>(1)
    private let thread = Mutex<Thread?>(nil)

    /// `onNews` is called on the thread, and must not wait.
    package init(
        _ configuration: RecordingConfiguration,
        logger: Logger,
        onNews: @escaping @Sendable (RecordingNews) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.onNews = onNews
        archive = RecordingArchive(directory: configuration.directory)
        queue = RecordingQueue()
    }

    /// Starts the thread, which first looks at what is there.
    package func start() {
        let started = Thread(name: "recording") { self.run() }
        thread.withLock { $0 = started }
    }

    /// Completes all files and ends the thread.
    package func stop() {
        _ = queue.push(.stop)
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }

    package var figures: RecordingStatistics { statistics.withLock { $0 } }

    /// A reader that records whatever stream it is attached to.
    package func makeRecording(of stream: StreamName) -> StreamRecording {
        let id = nextID.wrappingAdd(1, ordering: .relaxed).oldValue
        _ = queue.push(.begin(id, stream: stream.description))
        return StreamRecording(id: id, queue: queue) { [weak self] in
            self?.statistics.withLock { $0.framesDropped += 1 }
        }
    }

    // MARK: The thread

    private func run() {
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 5)
        for recording in archive.load() {
            logger.notice(
                "Recording completed that had been cut off",
                metadata: [
                    LogKeys.stream: "\(recording.stream)", "martlet.recording": "\(recording.id)",
                ])
        }
        var writers: [RecordingID: RecordingWriter] = [:]
        var nextRetention: Int64 = 0
        while true {
            var isOver = false
            for item in queue.take(timeout: .seconds(1)) {
                handle(item, &writers, &isOver)
                queue.release(item)
            }
            if isOver {
                for writer in writers.values { writer.end() }
                return
            }
            let now = Self.milliseconds()
            for writer in writers.values { writer.synchronizeIfDue(at: now) }
            if now >= nextRetention {
                nextRetention = now + Self.retentionInterval
                removeOld(at: now)
            }
            statistics.withLock { statistics in
                statistics.active = writers.values.count { !$0.isPaused }
                statistics.paused = writers.values.count { $0.isPaused }
            }
        }
    }

    private func handle(
        _ item: RecordingQueue.Item,
        _ writers: inout [RecordingID: RecordingWriter],
        _ isOver: inout Bool
    ) {
        switch item {
        case .begin(let id, let stream):
            guard let name = StreamName(stream) else { return }
            writers[id] = RecordingWriter(
                stream: name, configuration: configuration, archive: archive,
                report: { [weak self] in self?.note($0, of: name) })
        case .event(let id, let event): writers[id]?.receive(event, at: Self.milliseconds())
        case .gap(let id): writers[id]?.noteGap(at: Self.milliseconds())
        case .end(let id): writers.removeValue(forKey: id)?.end()
        case .stop: isOver = true
        }
    }

    private func removeOld(at now: Int64) {
        let removed = archive.enforce(configuration.retention, at: now)
        guard removed > 0 else { return }
        logger.info("Old recordings removed", metadata: ["martlet.recordings": .stringConvertible(removed)])
    }

    private func note(_ news: RecordingWriter.News, of stream: StreamName) {
        switch news {
        case .written(let bytes): statistics.withLock { $0.bytes += UInt64(bytes) }
        case .paused(let reason, let detail):
            statistics.withLock { $0.pauses[reason, default: 0] += 1 }
            logger.error(
                "Recording paused; it goes on by itself when it can",
                metadata: [
                    LogKeys.stream: "\(stream)", LogKeys.eventReason: "\(reason)", LogKeys.errorMessage: "\(detail)",
                ])
        case .resumed: logger.notice("Recording resumed", metadata: [LogKeys.stream: "\(stream)"])
        case .began(let recording):
            logger.info(
                "Recording", metadata: [LogKeys.stream: "\(stream)", "martlet.recording": "\(recording.id)"])
            onNews(.began(recording))
        case .completed(let recording): onNews(.completed(recording))
        }
    }

    private static func milliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
    }
}
