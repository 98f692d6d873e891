import Glibc
import ISOBMFF
package import Primitives
import Synchronization

/// How long recordings are kept; by default for ever.
package struct RecordingRetention: Sendable, Equatable {
    /// Recordings that ended longer ago are removed.
    package var age: Duration?
    /// Of more bytes than that, the oldest are removed.
    package var bytes: Int64?

    package init(age: Duration? = nil, bytes: Int64? = nil) {
        self.age = age
        self.bytes = bytes
    }
}

/// Why a recording is not removed.
package enum RecordingRemovalError: Error, Sendable {
    case unknown
    /// It is being written.
    case active
    case failed(RecordingFileError)
}

/// Everything that was recorded: what lies below the directory of recordings, by name.
///
/// Only what was found there has a name, so that no name leads anywhere else. May be used from any thread; lists and single
/// recordings come from memory, playlists from the file.
package final class RecordingArchive: Sendable {
    /// Some recordings, the newest first.
    package struct Page: Sendable {
        package var recordings: [Recording]
        /// What to ask for as `after` to go on; `nil` at the end.
        package var next: String?
    }

    private struct Entry {
        var recording: Recording
        /// Of a recording that is being written.
        var parts: RecordingParts?
    }

    /// Where recordings lie, one directory for each stream.
    package let directory: String
    private let entries = Mutex<[String: Entry]>([:])

    package init(directory: String) {
        self.directory = directory
    }

    // MARK: Reading

    /// Recordings, the newest first.
    ///
    /// - Parameters:
    ///   - stream: `nil` for those of all streams.
    ///   - after: The ``Page/next`` of the page before.
    ///   - limit: How many at most; positive.
    /// - Returns: A page.
    /// - Complexity: O(n log n) in the number of recordings.
    package func list(stream: StreamName?, after: String?, limit: Int) -> Page {
        var all = entries.withLock { entries in
            entries.values.map(\.recording).filter { stream == nil || $0.stream == stream }
        }
        all.sort { ($0.unixMilliseconds, $0.id) > ($1.unixMilliseconds, $1.id) }
        if let after {
            let start = all.firstIndex { $0.id == after }.map { $0 + 1 } ?? all.count
            all.removeFirst(start)
        }
        return Page(
            recordings: Array(all.prefix(limit)), next: all.count > limit ? all.prefix(limit).last?.id : nil)
    }

    package func recording(_ id: String) -> Recording? {
        entries.withLock { $0[id]?.recording }
    }

    /// Where a recording lies, for reading it up to ``Recording/bytes``, or to its end when it is complete.
    package func path(of recording: Recording) -> String { "\(directory)/\(recording.path)" }

    /// Where decoding can begin, for a playlist.
    ///
    /// - Returns: `nil` when there is no such recording, or it cannot be read.
    package func parts(of id: String) -> RecordingParts? {
        guard let entry = entries.withLock({ $0[id] }) else { return nil }
        if let parts = entry.parts { return parts }
        guard let reader = try? RecordingReader(path: path(of: entry.recording)), let contents = reader.contents()
        else { return nil }
        return RecordingParts(contents)
    }

    // MARK: Removing

    /// Removes a recording and its file.
    package func remove(_ id: String) throws(RecordingRemovalError) {
        guard let recording = recording(id) else { throw .unknown }
        guard recording.isComplete else { throw .active }
        guard unlink(path(of: recording)) == 0 || errno == ENOENT else {
            throw .failed(RecordingFileError(operation: "unlink", code: errno))
        }
        entries.withLock { _ = $0.removeValue(forKey: id) }
        // Where it was the last one.
        _ = rmdir("\(directory)/\(recording.stream)")
    }

    /// Removes what is too old, and the oldest of what is too much; never what is being written.
    ///
    /// `now` is in milliseconds since 1970. Says how many were removed.
    func enforce(_ retention: RecordingRetention, at now: Int64) -> Int {
        guard retention.age != nil || retention.bytes != nil else { return 0 }
        let all = entries.withLock { $0.values.map(\.recording) }.sorted { $0.unixMilliseconds < $1.unixMilliseconds }
        var bytes = all.reduce(0) { $0 + $1.bytes }
        let oldest = retention.age.map { now - $0.components.seconds * 1_000 } ?? .min
        var removed = 0
        for recording in all where recording.isComplete {
            guard recording.endMilliseconds < oldest || bytes > retention.bytes ?? .max else { continue }
            guard (try? remove(recording.id)) != nil else { continue }
            bytes -= recording.bytes
            removed += 1
        }
        return removed
    }

    // MARK: Writing

    func begin(_ recording: Recording, _ parts: RecordingParts) {
        entries.withLock { $0[recording.id] = Entry(recording: recording, parts: parts) }
    }

    /// A fragment has been written.
    func grow(_ id: String, to end: Int64, seconds: Double, entry: RandomAccessIndex.Entry?) {
        entries.withLock { entries in
            entries[id]?.recording.bytes = end
            entries[id]?.recording.seconds = seconds
            entries[id]?.parts?.end = end
            entries[id]?.parts?.seconds = seconds
            if let entry { entries[id]?.parts?.index.entries.append(entry) }
        }
    }

    /// Nothing is added any more.
    func complete(_ id: String) {
        entries.withLock { entries in
            entries[id]?.recording.isComplete = true
            entries[id]?.parts = nil
        }
    }

    func contains(_ id: String) -> Bool { entries.withLock { $0[id] != nil } }

    // MARK: Loading

    /// Finds what lies in the directory, and completes what a crash has left incomplete.
    ///
    /// Files that are no recordings are left alone.
    ///
    /// - Returns: The recordings that had to be repaired.
    func load() -> [Recording] {
        var repaired: [Recording] = []
        for name in Self.names(in: directory) {
            guard let stream = StreamName(name) else { continue }
            for file in Self.names(in: "\(directory)/\(name)") where file.hasSuffix(".mp4") {
                guard let milliseconds = RecordingTime.milliseconds(file.dropLast(4)) else { continue }
                var recording = Recording(stream: stream, unixMilliseconds: milliseconds)
                guard !contains(recording.id), let contents = contents(of: recording, repaired: &repaired) else {
                    continue
                }
                recording.tracks = contents.movie.tracks.map(Recording.Track.init)
                recording.bytes = contents.end
                recording.seconds = contents.seconds
                recording.isComplete = true
                entries.withLock { $0[recording.id] = Entry(recording: recording) }
            }
        }
        return repaired
    }

    private func contents(of recording: Recording, repaired: inout [Recording]) -> RecordingReader.Contents? {
        guard let reader = try? RecordingReader(path: path(of: recording)) else { return nil }
        guard let contents = reader.contents() else { return nil }
        if contents.isComplete { return contents }
        // What cannot be repaired now, on a disk that is full, can be watched all the same.
        if let writable = try? RecordingReader(path: path(of: recording), forRepair: true) {
            try? writable.repair(contents)
        }
        repaired.append(recording)
        return contents
    }

    private static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
