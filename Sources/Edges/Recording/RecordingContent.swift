import Glibc

/// The bytes of a recording, opened for reading: they stay readable when it is removed meanwhile.
package final class RecordingContent: Sendable {
    private let descriptor: Int32
    /// Bytes that may be read.
    package let size: Int64

    /// Opens a recording; of one that is being written, what is there by now.
    ///
    /// Blocks for as long as the file system takes, like ``read(_:at:)``.
    ///
    /// - Throws: ``RecordingFileError``.
    package init(_ recording: Recording, in archive: RecordingArchive) throws(RecordingFileError) {
        descriptor = open(archive.path(of: recording), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw RecordingFileError(operation: "open", code: errno) }
        var status = stat()
        let whole = fstat(descriptor, &status) == 0 ? Int64(status.st_size) : 0
        size = recording.isComplete ? whole : min(recording.bytes, whole)
    }

    deinit {
        close(descriptor)
    }

    /// Reads bytes; fewer at the end of the file, but not none.
    ///
    /// - Throws: ``RecordingFileError``, also when somebody has cut the file off.
    package func read(_ count: Int, at offset: Int64) throws(RecordingFileError) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let length = pread(descriptor, buffer.baseAddress, count, off_t(offset))
            if length < 0 { code = errno }
            initialized = max(length, 0)
        }
        guard code == 0, !bytes.isEmpty else {
            throw RecordingFileError(operation: "read", code: code == 0 ? EIO : code)
        }
        return bytes
    }
}
