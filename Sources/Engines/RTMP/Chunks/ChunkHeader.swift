/// The header forms of a chunk, by the upper two bits of its first byte (RTMP 1.0, section 5.3.1.2).
enum ChunkFormat: UInt8 {
    /// Everything, with an absolute timestamp.
    case full = 0
    /// All but the message stream id; the timestamp is a difference.
    case sameStream = 1
    /// A timestamp difference alone.
    case sameLength = 2
    /// Nothing: goes on with a message, or starts one like the last.
    case none = 3

    init(firstByte: UInt8) {
        self =
            switch firstByte >> 6 {
            case 0: .full
            case 1: .sameStream
            case 2: .sameLength
            default: .none
            }
    }

    /// Bytes of the message header.
    var messageHeaderLength: Int {
        switch self {
        case .full: 11
        case .sameStream: 7
        case .sameLength: 3
        case .none: 0
        }
    }
}

enum ChunkLimit {
    /// The timestamp field that says: four more bytes hold the real one.
    static let extendedTimestampMark: UInt32 = 0xFF_FFFF
    /// The chunk size before any Set Chunk Size (section 5.4.1).
    static let defaultChunkSize = 128
    /// No message is longer, so a greater chunk size means the same.
    static let greatestChunkSize = 0xFF_FFFF
}

extension [UInt8] {
    /// Appends a copy of `span`, in one move rather than byte by byte: every media byte comes through here.
    mutating func append(copying span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { buffer in unsafe append(contentsOf: buffer) }
    }
}
