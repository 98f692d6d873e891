import Glibc
import ISOBMFF

/// Why something could not be done with a file: what was tried, and what the system said.
package struct RecordingFileError: Error, Sendable, CustomStringConvertible {
    package var operation: String
    /// `errno`.
    package var code: Int32

    package var description: String { "\(operation): \(String(cString: strerror(code)))" }

    /// A few words for metrics.
    package var reason: String {
        switch code {
        case ENOSPC, EDQUOT: "disk-full"
        case EROFS, EACCES, EPERM: "not-writable"
        case ENOENT, ENOTDIR, ESTALE: "directory-gone"
        default: "input-output"
        }
    }
}

/// A file that is being recorded: fragments go behind each other, and what cannot be written whole is taken back.
struct RecordingFile: ~Copyable {
    let path: String
    private let descriptor: Int32
    /// Bytes up to the end of the last whole fragment.
    private(set) var end: Int64
    private(set) var index: RandomAccessIndex
    private var unsynced: Bool

    /// Makes a file, which must not be there, and its directory.
    ///
    /// - Parameters:
    ///   - directory: Made where it is missing, and those above it.
    ///   - name: Of the file in it.
    ///   - header: Written at once.
    ///   - trackIdentifier: That of the track which leads the index.
    /// - Throws: ``RecordingFileError``, with `EEXIST` when there is such a file; nothing is left behind.
    init(directory: String, name: String, header: [UInt8], trackIdentifier: UInt32) throws(RecordingFileError) {
        try Self.makeDirectory(directory)
        let path = "\(directory)/\(name)"
        descriptor = try Self.create(path, header)
        self.path = path
        end = Int64(header.count)
        index = RandomAccessIndex(trackIdentifier: trackIdentifier)
        unsynced = true
    }

    private static func create(_ path: String, _ header: [UInt8]) throws(RecordingFileError) -> Int32 {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard descriptor >= 0 else { throw RecordingFileError(operation: "open", code: errno) }
        do throws(RecordingFileError) {
            try write(header, to: descriptor, at: 0)
        } catch {
            close(descriptor)
            unlink(path)
            throw error
        }
        return descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Appends a fragment, or nothing.
    mutating func append(_ fragment: RecordingMuxer.Fragment) throws(RecordingFileError) {
        // A file that somebody has removed takes bytes as before, for nobody.
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw RecordingFileError(operation: "stat", code: errno) }
        guard status.st_nlink > 0 else { throw RecordingFileError(operation: "write", code: ENOENT) }
        let start = end
        try append(fragment.bytes)
        if fragment.beginsWithKeyFrame, index.entries.count < RandomAccessIndex.maximumEntries {
            index.entries.append(.init(time: fragment.time, offset: UInt64(start)))
        }
    }

    /// Has the disk keep what was written.
    mutating func synchronize() throws(RecordingFileError) {
        guard unsynced else { return }
        guard fdatasync(descriptor) == 0 else { throw RecordingFileError(operation: "fdatasync", code: errno) }
        unsynced = false
    }

    /// Writes the index behind the fragments: the file is complete.
    mutating func finish() throws(RecordingFileError) {
        let fragmentsEnd = end
        try append(index.bytes)
        end = fragmentsEnd
    }

    private mutating func append(_ bytes: [UInt8]) throws(RecordingFileError) {
        try Self.write(bytes, to: descriptor, at: end)
        end += Int64(bytes.count)
        unsynced = true
    }

    /// Writes all bytes, or takes back those that it could.
    private static func write(
        _ bytes: [UInt8],
        to descriptor: Int32,
        at end: Int64
    ) throws(RecordingFileError) {
        var offset = 0
        while offset < bytes.count {
            let written = bytes.withUnsafeBytes { buffer in
                pwrite(
                    descriptor, buffer.baseAddress.map { $0 + offset }, bytes.count - offset, off_t(end) + off_t(offset)
                )
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                let code = written < 0 ? errno : ENOSPC
                _ = ftruncate(descriptor, off_t(end))
                throw RecordingFileError(operation: "write", code: code)
            }
            offset += written
        }
    }

    private static func makeDirectory(_ path: String) throws(RecordingFileError) {
        guard mkdir(path, 0o750) != 0, errno != EEXIST else { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw RecordingFileError(operation: "mkdir", code: errno)
        }
        try makeDirectory(String(path[..<slash]))
        guard mkdir(path, 0o750) == 0 || errno == EEXIST else {
            throw RecordingFileError(operation: "mkdir", code: errno)
        }
    }
}
