import Primitives

/// The outputs of a server session in order, and the chunks that messages to the peer become.
struct Outbox: Sendable {
    /// What we announce, in bytes.
    ///
    /// Our messages are short; large chunks save their headers.
    static let chunkSize: UInt32 = 4_096
    /// Chunk streams by what travels on them: protocol control, commands, and status of message streams.
    static let controlChunks: UInt8 = 2
    static let commandChunks: UInt8 = 3
    static let streamChunks: UInt8 = 5

    private var outputs: [RTMPServerSession.Output] = []
    private var head = 0
    private var writer = ChunkWriter()

    mutating func append(_ output: RTMPServerSession.Output) {
        outputs.append(output)
    }

    /// Sends a message, protocol control and user control on chunk stream 2 as section 5.4 demands.
    mutating func send(_ message: RTMPMessage, chunkStreamID: UInt8? = nil) {
        let isControl = message.type.rawValue <= MessageType.setPeerBandwidth.rawValue
        var bytes = ByteWriter(capacity: message.payload.count + 16)
        writer.write(
            message,
            chunkStreamID: chunkStreamID ?? (isControl ? Self.controlChunks : Self.commandChunks),
            to: &bytes
        )
        outputs.append(.send(bytes.bytes))
    }

    mutating func next() -> RTMPServerSession.Output? {
        guard head < outputs.count else {
            outputs.removeAll(keepingCapacity: true)
            head = 0
            return nil
        }
        defer { head += 1 }
        return outputs[head]
    }
}
