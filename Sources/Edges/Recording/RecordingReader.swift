import Glibc
import ISOBMFF
import Primitives

/// What a file that is there holds, read from its own boxes.
struct RecordingReader: ~Copyable {
    /// What was found.
    struct Contents {
        var movie: MovieSummary
        /// Bytes of `ftyp` and `moov`.
        var headerSize: Int64
        var index: RandomAccessIndex
        /// Bytes up to the end of the last whole fragment.
        var end: Int64
        /// Seconds of the leading track.
        var seconds: Double
        /// Whether the index was in the file.
        var isComplete: Bool
    }

    /// Boxes that are read into memory are no larger: a fragment's description is some kilobytes.
    private static let maximumBoxSize = 16 << 20

    private let descriptor: Int32
    private let size: Int64

    /// - Throws: ``RecordingFileError`` when it cannot be opened or is no plain file.
    init(path: String, forRepair: Bool = false) throws(RecordingFileError) {
        (descriptor, size) = try Self.open(path, (forRepair ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    }

    deinit {
        close(descriptor)
    }

    private static func open(_ path: String, _ flags: Int32) throws(RecordingFileError) -> (Int32, Int64) {
        let descriptor = Glibc.open(path, flags)
        guard descriptor >= 0 else { throw RecordingFileError(operation: "open", code: errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw RecordingFileError(operation: "open", code: EINVAL)
        }
        return (descriptor, Int64(status.st_size))
    }

    /// Reads what the file says of itself: the head and the index of a complete one, and every fragment of another.
    ///
    /// - Returns: `nil` for what is no recording: its head cannot be read.
    func contents() -> Contents? {
        guard let (movie, headerSize) = movie(), let leading = movie.leading else { return nil }
        if let (index, start) = index(), index.trackIdentifier == leading.identifier {
            let last = Int64(index.entries.last?.offset ?? UInt64(headerSize))
            let rest = fragments(from: last, to: start, leading: leading.identifier)
            if rest.end == start || index.entries.isEmpty {
                return Contents(
                    movie: movie, headerSize: headerSize, index: index, end: start,
                    seconds: Double(rest.time) / Double(leading.timescale), isComplete: true)
            }
        }
        let found = fragments(from: headerSize, to: size, leading: leading.identifier)
        return Contents(
            movie: movie, headerSize: headerSize,
            index: RandomAccessIndex(trackIdentifier: leading.identifier, entries: found.entries), end: found.end,
            seconds: Double(found.time) / Double(leading.timescale), isComplete: false)
    }

    /// Cuts off what a crash has left of the last fragment, and writes the index: the file is complete then.
    func repair(_ contents: Contents) throws(RecordingFileError) {
        guard ftruncate(descriptor, off_t(contents.end)) == 0 else {
            throw RecordingFileError(operation: "truncate", code: errno)
        }
        let bytes = contents.index.bytes
        let written = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, bytes.count, off_t(contents.end)) }
        guard written == bytes.count else {
            let code = written < 0 ? errno : ENOSPC
            _ = ftruncate(descriptor, off_t(contents.end))
            throw RecordingFileError(operation: "write", code: code)
        }
        _ = fdatasync(descriptor)
    }

    // MARK: Boxes

    private func movie() -> (MovieSummary, Int64)? {
        var offset: Int64 = 0
        // ftyp and moov, and whatever small a tool may have put between them.
        for _ in 0..<8 {
            guard let box = box(at: offset), let content = content(of: box, at: offset) else { return nil }
            let end = offset + Int64(box.headerSize + content.count)
            if box.type == "moov" { return (try? MovieSummary(parsing: content.span)).map { ($0, end) } }
            offset = end
        }
        return nil
    }

    /// The index, and where it begins; `nil` when the file does not end with one.
    private func index() -> (RandomAccessIndex, Int64)? {
        let tail = read(RandomAccessIndex.tailSize, at: size - Int64(RandomAccessIndex.tailSize))
        guard let length = RandomAccessIndex.size(fromTail: tail.span), length <= Self.maximumBoxSize,
            Int64(length) <= size
        else { return nil }
        let bytes = read(length, at: size - Int64(length))
        return (try? RandomAccessIndex(parsing: bytes.span)).map { ($0, size - Int64(length)) }
    }

    /// Looks at fragments one after the other, up to the first that is not whole.
    private func fragments(
        from start: Int64,
        to limit: Int64,
        leading: UInt32
    ) -> (entries: [RandomAccessIndex.Entry], end: Int64, time: UInt64) {
        var entries: [RandomAccessIndex.Entry] = []
        var end = start
        var time: UInt64 = 0
        while let moof = box(at: end), moof.type == "moof", let content = content(of: moof, at: end),
            let summary = try? FragmentSummary(parsing: content.span)
        {
            let dataStart = end + Int64(moof.headerSize + content.count)
            guard let data = box(at: dataStart), data.type == "mdat", let size = data.contentSize,
                size <= limit - dataStart - Int64(data.headerSize)
            else { break }
            if let track = summary.tracks.first(where: { $0.identifier == leading }) {
                let isNext = entries.last.map { track.decodeTime >= $0.time } ?? true
                if track.beginsWithKeyFrame, isNext, entries.count < RandomAccessIndex.maximumEntries {
                    entries.append(.init(time: track.decodeTime, offset: UInt64(end)))
                }
                time = max(time, track.end)
            }
            end = dataStart + Int64(data.headerSize + size)
        }
        return (entries, end, time)
    }

    private func box(at offset: Int64) -> BoxHeader? {
        let bytes = read(16, at: offset)
        var reader = ByteReader(bytes.span)
        return try? BoxHeader(parsing: &reader)
    }

    private func content(of box: BoxHeader, at offset: Int64) -> [UInt8]? {
        guard let size = box.contentSize, size <= Self.maximumBoxSize else { return nil }
        let bytes = read(size, at: offset + Int64(box.headerSize))
        return bytes.count == size ? bytes : nil
    }

    /// Up to `count` bytes; fewer at the end of the file, none where it cannot be read.
    private func read(_ count: Int, at offset: Int64) -> [UInt8] {
        guard offset >= 0, offset < size else { return [] }
        let wanted = Int(min(Int64(count), size - offset))
        return [UInt8](unsafeUninitializedCapacity: wanted) { buffer, initialized in
            initialized = max(pread(descriptor, buffer.baseAddress, wanted, off_t(offset)), 0)
        }
    }
}
