package import Primitives

/// Cuts messages into chunks (RTMP 1.0, section 5.3).
///
/// Every message starts with a full header: a few bytes more than need be, and no state that a
/// reader could disagree about.
package struct ChunkWriter: Sendable {
    /// Our chunk size in bytes, as last announced.
    package private(set) var chunkSize = ChunkLimit.defaultChunkSize

    package init() {}

    /// Appends `message` to `output` on a chunk stream, obeying a Set Chunk Size from the next message on.
    ///
    /// `chunkStreamID` is 2 to 63.
    package mutating func write(_ message: RTMPMessage, chunkStreamID: UInt8, to output: inout ByteWriter) {
        precondition((2...63).contains(chunkStreamID), "our own chunk streams have one-byte headers")
        let isExtended = message.timestamp >= ChunkLimit.extendedTimestampMark
        output.write(chunkStreamID)
        output.writeUInt24(isExtended ? ChunkLimit.extendedTimestampMark : message.timestamp)
        output.writeUInt24(UInt32(truncatingIfNeeded: message.payload.count))
        output.write(message.type.rawValue)
        output.write(message.streamID.byteSwapped)
        if isExtended { output.write(message.timestamp) }
        let payload = message.payload.span
        var offset = 0
        while offset < payload.count {
            if offset > 0 {
                output.write(ChunkFormat.none.rawValue << 6 | chunkStreamID)
                if isExtended { output.write(message.timestamp) }
            }
            let end = min(offset + chunkSize, payload.count)
            output.write(payload.extracting(offset..<end))
            offset = end
        }
        if message.type == .setChunkSize, let size = try? UInt32(controlPayload: message.payload) {
            chunkSize = min(max(Int(size), 1), ChunkLimit.greatestChunkSize)
        }
    }
}
