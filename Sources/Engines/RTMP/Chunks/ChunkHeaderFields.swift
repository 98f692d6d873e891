import Primitives

/// The fields of one chunk header, as far as its format has them (RTMP 1.0, section 5.3.1).
struct ChunkHeaderFields {
    var format: ChunkFormat
    /// 2 to 65,599; 2 is for protocol control messages.
    var chunkStreamID: UInt32
    /// Milliseconds, absolute or a difference by `format`; the extended field where there is one.
    var timestamp: UInt32 = 0
    var isTimestampExtended = false
    var length: Int?
    var type: UInt8?
    var streamID: UInt32?

    init(_ bytes: [UInt8]) throws(ParseError) {
        var reader = ByteReader(bytes.span)
        let first: UInt8 = try reader.readInteger()
        format = ChunkFormat(firstByte: first)
        switch first & 0x3F {
        case 0: chunkStreamID = UInt32(try reader.readInteger(as: UInt8.self)) + 64
        case 1: chunkStreamID = UInt32(try reader.readInteger(as: UInt16.self).byteSwapped) + 64
        default: chunkStreamID = UInt32(first & 0x3F)
        }
        guard format != .none else { return }
        timestamp = try reader.readUInt24()
        if format != .sameLength {
            length = Int(try reader.readUInt24())
            type = try reader.readInteger()
        }
        if format == .full { streamID = try reader.readUInt32LittleEndian() }
        if timestamp == ChunkLimit.extendedTimestampMark {
            isTimestampExtended = true
            timestamp = try reader.readInteger()
        }
    }
}
