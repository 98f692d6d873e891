import Glibc
import ISOBMFF
import Media
import Primitives

/// Records one stream into one file after the other; lives on the recording thread.
final class RecordingWriter {
    enum News {
        case began(Recording)
        /// Nothing is added to it any more.
        case completed(Recording)
        case written(Int)
        /// Nothing is recorded for the time being: a word for metrics, and what the system said.
        case paused(reason: String, detail: String)
        case resumed
    }

    private let stream: StreamName
    private let configuration: RecordingConfiguration
    private let archive: RecordingArchive
    private let report: (News) -> Void
    private var muxer: RecordingMuxer
    private var file: RecordingFile?
    private var recording: Recording?
    private var timescale: UInt32 = 1
    private var synchronizedAt: Int64 = 0
    /// When to try again after a failure; `nil` while all is well.
    private var retryAt: Int64?
    private(set) var isPaused = false

    init(
        stream: StreamName, configuration: RecordingConfiguration, archive: RecordingArchive,
        report: @escaping (News) -> Void
    ) {
        self.stream = stream
        self.configuration = configuration
        self.archive = archive
        self.report = report
        let duration = configuration.segmentDuration.components
        muxer = RecordingMuxer(
            limits: .init(
                duration: duration.seconds * 1_000_000 + duration.attoseconds / 1_000_000_000_000,
                bytes: configuration.segmentBytes))
    }

    // MARK: In

    /// Takes the next thing that is known of the stream; `now` is in milliseconds since 1970.
    func receive(_ event: FrameEvent, at now: Int64) {
        if let retryAt, case .frame = event {
            guard now >= retryAt else { return }
            self.retryAt = nil
        }
        muxer.receive(event)
        carryOut(at: now)
    }

    /// Frames are missing: the file ends here, and another begins with the next key frame.
    func noteGap(at now: Int64) {
        pause(reason: "slow-disk", detail: "the disk does not keep up, and frames were left out")
        muxer.end()
        carryOut(at: now)
    }

    /// Completes the file.
    func end() {
        muxer.end()
        carryOut(at: 0)
    }

    /// Has the disk keep what was written, if it is time.
    func synchronizeIfDue(at now: Int64) {
        guard file != nil, let interval = configuration.synchronization else { return }
        let (seconds, attoseconds) = interval.components
        guard now - synchronizedAt >= seconds * 1_000 + attoseconds / 1_000_000_000_000_000 else { return }
        synchronizedAt = now
        do throws(RecordingFileError) {
            try synchronize()
        } catch {
            fail(error, at: now)
        }
    }

    // MARK: Out

    private func carryOut(at now: Int64) {
        for output in muxer.takeOutputs() {
            do throws(RecordingFileError) {
                switch output {
                case .open(let opening): try open(opening, at: now)
                case .fragment(let fragment): try append(fragment, at: now)
                case .close: try complete()
                }
            } catch {
                fail(error, at: now)
                return
            }
        }
    }

    private func open(_ opening: RecordingMuxer.Opening, at now: Int64) throws(RecordingFileError) {
        guard let leading = opening.tracks.first else { return }
        var recording = Recording(stream: stream, unixMilliseconds: max(opening.unixMilliseconds, 0))
        recording.tracks = opening.tracks.map(Recording.Track.init)
        // A file of the same millisecond: a publisher that restarted, or a clock that was set back.
        while archive.contains(recording.id) { recording.unixMilliseconds += 1 }
        let directory = "\(configuration.directory)/\(stream)"
        file = try RecordingFile(
            directory: directory, name: "\(RecordingTime.text(recording.unixMilliseconds)).mp4",
            header: opening.header, trackIdentifier: leading.identifier)
        recording.bytes = Int64(opening.header.count)
        timescale = leading.timescale
        synchronizedAt = now
        self.recording = recording
        archive.begin(
            recording,
            RecordingParts(
                headerSize: Int64(opening.header.count), trackIdentifier: leading.identifier, timescale: timescale))
        report(.began(recording))
    }

    private func append(_ fragment: RecordingMuxer.Fragment, at now: Int64) throws(RecordingFileError) {
        guard let id = recording?.id else { return }
        let before = file.entryCount
        try file.append(fragment)
        if configuration.synchronization == .zero { try synchronize() }
        archive.grow(
            id, to: file.end, seconds: Double(fragment.end) / Double(timescale),
            entry: file.entryCount > before ? file.lastEntry : nil)
        report(.written(fragment.bytes.count))
        if isPaused {
            isPaused = false
            report(.resumed)
        }
    }

    private func complete() throws(RecordingFileError) {
        guard let id = recording?.id else { return }
        defer { closeFile(id) }
        try file.finish()
        if configuration.synchronization != nil { try synchronize() }
    }

    private func synchronize() throws(RecordingFileError) {
        try file.synchronize()
    }

    /// What was written can be watched, also where the index could not be written any more: it is made at the next start.
    private func closeFile(_ id: String) {
        file = nil
        recording = nil
        archive.complete(id)
        if let completed = archive.recording(id) { report(.completed(completed)) }
    }

    private func fail(_ error: RecordingFileError, at now: Int64) {
        if let id = recording?.id {
            // There may be room for the index where there was none for a fragment.
            try? file.finish()
            closeFile(id)
        }
        muxer.abandon()
        retryAt = now + RecordingThread.retryInterval
        pause(reason: error.reason, detail: error.description)
    }

    private func pause(reason: String, detail: String) {
        guard !isPaused else { return }
        isPaused = true
        report(.paused(reason: reason, detail: detail))
    }
}

/// Reaches the noncopyable file without moving it.
extension Optional where Wrapped == RecordingFile {
    fileprivate var entryCount: Int {
        switch self {
        case .some(let file): file.index.entries.count
        case .none: 0
        }
    }

    fileprivate var lastEntry: RandomAccessIndex.Entry? {
        switch self {
        case .some(let file): file.index.entries.last
        case .none: nil
        }
    }

    fileprivate var end: Int64 {
        switch self {
        case .some(let file): file.end
        case .none: 0
        }
    }

    fileprivate mutating func append(_ fragment: RecordingMuxer.Fragment) throws(RecordingFileError) {
        try self?.append(fragment)
    }

    fileprivate mutating func finish() throws(RecordingFileError) { try self?.finish() }
    fileprivate mutating func synchronize() throws(RecordingFileError) { try self?.synchronize() }
}
