package import Primitives

/// Where decoding can begin in a fragmented file: the `mfra` box at its end (ISO/IEC 14496-12 §8.8.9 to §8.8.11).
///
/// Players seek by it, and a file that has one is complete.
package struct RandomAccessIndex: Hashable, Sendable {
    /// A fragment that begins with a key frame.
    package struct Entry: Hashable, Sendable {
        /// Ticks at which its first sample is decoded.
        package var time: UInt64
        /// Where its `moof` lies in the file.
        package var offset: UInt64

        package init(time: UInt64, offset: UInt64) {
            self.time = time
            self.offset = offset
        }
    }

    /// A day of fragments of a quarter of a second.
    package static let maximumEntries = 1 << 19
    /// Bytes of the `mfro` box, the last one of a file, whose last four say how long the index is.
    package static let tailSize = 16

    /// The track whose key frames they are.
    package var trackIdentifier: UInt32
    /// In ascending order of both times and places.
    package var entries: [Entry]

    package init(trackIdentifier: UInt32, entries: [Entry] = []) {
        self.trackIdentifier = trackIdentifier
        self.entries = entries
    }

    /// The whole box; it holds the first ``maximumEntries``.
    package var bytes: [UInt8] {
        let entries = entries.prefix(Self.maximumEntries)
        var writer = BoxWriter(capacity: entries.count * 19 + 64)
        writer.box("mfra") { mfra in
            mfra.fullBox("tfra", version: 1) { box in
                box.write(trackIdentifier)
                box.write(UInt32(0))  // each of the three numbers takes one byte
                box.write(UInt32(entries.count))
                for entry in entries {
                    box.write(entry.time)
                    box.write(entry.offset)
                    // The first traf, the first trun, the first sample.
                    box.write([1, 1, 1])
                }
            }
            let size = mfra.bytes.count + Self.tailSize
            mfra.fullBox("mfro") { $0.write(UInt32(size)) }
        }
        return writer.bytes
    }

    /// How long the index of a file is, by its last bytes.
    ///
    /// - Parameter tail: The last ``tailSize`` bytes of the file.
    /// - Returns: The size of the `mfra` box in bytes; `nil` when the file does not end with one.
    package static func size(fromTail tail: Span<UInt8>) -> Int? {
        var reader = ByteReader(tail)
        guard let header = try? BoxHeader(parsing: &reader), header.type == "mfro", header.contentSize == 8,
            (try? reader.skip(4)) != nil, let size = try? reader.readInteger(as: UInt32.self),
            size >= UInt32(Self.tailSize)
        else { return nil }
        return Int(size)
    }

    /// Parses a whole `mfra` box.
    ///
    /// - Throws: ``ParseError`` when it is not what we write: entries must ascend.
    package init(parsing bytes: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(bytes)
        let header = try BoxHeader(parsing: &reader)
        guard header.type == "mfra" else { throw .invalid(field: "mfra") }
        let content = try reader.readSpan(header.contentSize ?? reader.remaining)
        var index: RandomAccessIndex?
        try Boxes.each(in: content) { type, content throws(ParseError) in
            if type == "tfra" { index = try Self.track(content) }
        }
        guard let index else { throw .invalid(field: "mfra without tfra") }
        self = index
    }

    private static func track(_ content: Span<UInt8>) throws(ParseError) -> RandomAccessIndex {
        var reader = ByteReader(content)
        guard try reader.readInteger(as: UInt8.self) == 1 else { throw .invalid(field: "tfra version") }
        try reader.skip(3)
        var index = RandomAccessIndex(trackIdentifier: try reader.readInteger())
        guard try reader.readInteger(as: UInt32.self) & 0x3F == 0 else { throw .invalid(field: "tfra sizes") }
        let count: UInt32 = try reader.readInteger()
        guard count <= maximumEntries else { throw .limitExceeded(what: "index entries") }
        guard Int(count) <= reader.remaining / 19 else {
            throw .truncated(needed: Int(count) * 19, available: reader.remaining, offset: reader.offset)
        }
        index.entries.reserveCapacity(Int(count))
        for _ in 0..<count {
            let entry = Entry(time: try reader.readInteger(), offset: try reader.readInteger())
            try reader.skip(3)
            if let last = index.entries.last, entry.time < last.time || entry.offset <= last.offset {
                throw .invalid(field: "tfra order")
            }
            guard entry.offset <= UInt64(Int64.max) else { throw .invalid(field: "tfra offset") }
            index.entries.append(entry)
        }
        return index
    }
}
