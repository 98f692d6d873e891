import ISOBMFF
import Primitives

/// A box taken apart, for tests that look inside files.
struct BoxTree {
    var type: BoxType
    /// Without the header.
    var content: [UInt8]
    var children: [BoxTree]

    private static let containers: Set<BoxType> = [
        "moov", "trak", "mdia", "minf", "dinf", "stbl", "mvex", "moof", "traf",
    ]

    /// The boxes of a file, one after the other.
    static func boxes(of bytes: [UInt8]) throws -> [BoxTree] {
        var boxes: [BoxTree] = []
        var reader = ByteReader(bytes.span)
        while reader.remaining > 0 {
            let header = try BoxHeader(parsing: &reader)
            let content = try reader.readArray(header.contentSize ?? reader.remaining)
            let children = containers.contains(header.type) ? try Self.boxes(of: content) : []
            boxes.append(BoxTree(type: header.type, content: content, children: children))
        }
        return boxes
    }
}

extension [BoxTree] {
    /// The first box on a path such as "moov/trak/tkhd".
    func at(_ path: String) -> BoxTree? {
        var found: BoxTree?
        var level = self
        for name in path.split(separator: "/") {
            found = level.first { $0.type.description == String(name) }
            level = found?.children ?? []
        }
        return found
    }
}

extension [UInt8] {
    /// The big-endian number of `count` bytes at `offset`.
    func number(at offset: Int, bytes count: Int = 4) -> UInt64 {
        self[offset..<(offset + count)].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Where `text` first occurs.
    func firstIndex(of text: String) -> Int? {
        let wanted = Array(text.utf8)
        return indices.first { Array(self[$0...].prefix(wanted.count)) == wanted }
    }
}
