import Primitives

/// Puts messages together from the chunks of a connection (RTMP 1.0, section 5.3).
///
/// Takes bytes in pieces of any size. Messages of different chunk streams may interleave; what is
/// unfinished is bounded by ``RTMPLimits``. Obeys Set Chunk Size and Abort itself and passes every
/// message on, these two included.
package struct ChunkReader: ~Copyable {
    /// One chunk stream: the last header on it, and the message being put together.
    private struct ChunkStream {
        var type = MessageType(rawValue: 0)
        var streamID: UInt32 = 0
        var length = 0
        var timestamp: UInt32 = 0
        /// What a message that starts with a header of type 3 adds to the timestamp.
        var timestampDelta: UInt32 = 0
        /// The last header's four extra timestamp bytes, which chunks of type 3 repeat.
        var extendedTimestamp: UInt32?
        var payload: [UInt8] = []
        /// Whether a message has begun that is not whole yet.
        var isInMessage = false
    }

    private enum State {
        /// Collecting the basic header, message header and extended timestamp of a chunk.
        case header
        /// Deciding, byte by byte, whether a chunk of type 3 repeats the extended timestamp.
        case repeatedTimestamp(chunkStreamID: UInt32, expected: UInt32)
        /// Taking `remaining` more bytes of this chunk.
        case payload(chunkStreamID: UInt32, remaining: Int)
    }

    private let limits: RTMPLimits
    private var state = State.header
    /// Bytes of the header at hand, at most 18.
    private var header: [UInt8] = []
    private var streams: [UInt32: ChunkStream] = [:]
    private var bufferedBytes = 0
    private var messages: [RTMPMessage] = []
    /// The peer's chunk size in bytes.
    package private(set) var chunkSize = ChunkLimit.defaultChunkSize

    package init(limits: RTMPLimits = RTMPLimits()) {
        self.limits = limits
        header.reserveCapacity(18)
    }

    /// Takes the next bytes and returns the messages that became whole, in order.
    ///
    /// - Throws: ``RTMPError`` when the bytes cannot be chunks or exceed a limit; the connection
    ///   has lost its framing then and must be closed.
    package mutating func receive(_ bytes: Span<UInt8>) throws(RTMPError) -> [RTMPMessage] {
        try process(bytes)
        defer { messages.removeAll(keepingCapacity: true) }
        return messages
    }

    private mutating func process(_ bytes: Span<UInt8>) throws(RTMPError) {
        var offset = 0
        while offset < bytes.count {
            switch state {
            case .header:
                header.append(bytes[offset])
                offset += 1
                if try headerIsComplete() { try beginChunk() }
            case .repeatedTimestamp(let id, let expected):
                header.append(bytes[offset])
                offset += 1
                try matchRepeatedTimestamp(id, expected: expected)
            case .payload(let id, let remaining):
                let count = min(remaining, bytes.count - offset)
                try take(bytes.extracting(offset..<(offset + count)), for: id, remaining: remaining - count)
                offset += count
            }
        }
    }

    // MARK: - Headers

    /// Bytes of the basic header: one, or up to three for chunk stream ids from 64 on (section 5.3.1.1).
    private static func basicHeaderLength(_ firstByte: UInt8) -> Int {
        switch firstByte & 0x3F {
        case 0: 2
        case 1: 3
        default: 1
        }
    }

    private func headerIsComplete() throws(RTMPError) -> Bool {
        let format = ChunkFormat(firstByte: header[0])
        let basic = Self.basicHeaderLength(header[0])
        let length = basic + format.messageHeaderLength
        guard header.count >= length else { return false }
        guard format != .none else { return true }
        return !isExtended(at: basic) || header.count >= length + 4
    }

    /// Whether the timestamp field at `offset` of the header points to the extended one.
    private func isExtended(at offset: Int) -> Bool {
        header[offset] == 0xFF && header[offset + 1] == 0xFF && header[offset + 2] == 0xFF
    }

    private mutating func beginChunk() throws(RTMPError) {
        let fields: ChunkHeaderFields
        do { fields = try ChunkHeaderFields(header) } catch { throw .malformed(error) }
        header.removeAll(keepingCapacity: true)
        try begin(fields)
    }

    private mutating func begin(_ fields: ChunkHeaderFields) throws(RTMPError) {
        let id = fields.chunkStreamID
        if streams[id] == nil {
            // Type 1 is accepted as the first header: librtmp opens its control stream with it.
            guard fields.format == .full || fields.format == .sameStream else {
                throw .malformed(.invalid(field: "chunk header without a predecessor"))
            }
            guard streams.count < limits.maximumChunkStreams else { throw .tooManyChunkStreams }
            streams[id] = ChunkStream()
        }
        guard var stream = streams[id] else { return }
        if stream.isInMessage, fields.format != .none {
            throw .malformed(.invalid(field: "chunk header inside a message"))
        }
        // Section 5.3.1.3: the field is present in chunks of type 3 when the last header of another
        // type on this chunk stream had it. Not every encoder obeys, so the bytes themselves decide.
        if fields.format == .none, let expected = stream.extendedTimestamp {
            state = .repeatedTimestamp(chunkStreamID: id, expected: expected)
            return
        }
        if fields.format != .none {
            stream.extendedTimestamp = fields.isTimestampExtended ? fields.timestamp : nil
            stream.timestampDelta = fields.timestamp
            if let length = fields.length, let type = fields.type {
                stream.length = length
                stream.type = MessageType(rawValue: type)
            }
            if let streamID = fields.streamID { stream.streamID = streamID }
            // A difference of zero, so that `startMessage` does not have to know the format.
            if fields.format == .full { stream.timestamp = 0 }
            streams[id] = stream
        }
        try startOrContinue(id)
    }

    /// Compares what follows a header of type 3 with the extended timestamp it may repeat.
    ///
    /// Four equal bytes are the timestamp; at the first difference all of them are payload.
    private mutating func matchRepeatedTimestamp(_ id: UInt32, expected: UInt32) throws(RTMPError) {
        let index = header.count - 1
        let isEqual = header[index] == UInt8(truncatingIfNeeded: expected >> UInt32(24 - 8 * index))
        guard !isEqual || header.count == 4 else { return }
        let collected = header
        header.removeAll(keepingCapacity: true)
        try startOrContinue(id)
        if !isEqual { try process(collected.span) }
    }

    // MARK: - Payload

    private mutating func startOrContinue(_ id: UInt32) throws(RTMPError) {
        guard var stream = streams[id] else { return }
        if !stream.isInMessage {
            stream.timestamp = stream.timestamp &+ stream.timestampDelta
            stream.isInMessage = true
            let limit = stream.type.isMedia ? limits.maximumMessageSize : limits.maximumCommandSize
            guard stream.length <= limit else { throw .messageTooLarge(bytes: stream.length) }
            streams[id] = stream
        }
        let remaining = min(chunkSize, stream.length - stream.payload.count)
        if remaining == 0 {
            state = .header
            try finish(id)
        } else {
            state = .payload(chunkStreamID: id, remaining: remaining)
        }
    }

    private mutating func take(_ bytes: Span<UInt8>, for id: UInt32, remaining: Int) throws(RTMPError) {
        bufferedBytes += bytes.count
        guard bufferedBytes <= limits.maximumBufferedBytes else { throw .tooMuchBuffered }
        streams[id]?.payload.append(copying: bytes)
        guard remaining == 0 else {
            state = .payload(chunkStreamID: id, remaining: remaining)
            return
        }
        state = .header
        if let stream = streams[id], stream.payload.count == stream.length { try finish(id) }
    }

    private mutating func finish(_ id: UInt32) throws(RTMPError) {
        guard let stream = streams[id] else { return }
        let message = RTMPMessage(
            type: stream.type,
            streamID: stream.streamID,
            timestamp: stream.timestamp,
            payload: stream.payload
        )
        discard(id)
        switch message.type {
        case .setChunkSize: try setChunkSize(message.payload)
        case .abort: try abort(message.payload)
        default: break
        }
        messages.append(message)
    }

    /// Forgets the unfinished message of a chunk stream.
    private mutating func discard(_ id: UInt32) {
        bufferedBytes -= streams[id]?.payload.count ?? 0
        streams[id]?.payload = []
        streams[id]?.isInMessage = false
    }

    private mutating func setChunkSize(_ payload: [UInt8]) throws(RTMPError) {
        let size = try UInt32(controlPayload: payload)
        // Section 5.4.1: the first bit MUST be zero; a size of zero would never end.
        guard size > 0, size >> 31 == 0 else { throw .malformed(.invalid(field: "chunk size")) }
        chunkSize = min(Int(size), ChunkLimit.greatestChunkSize)
    }

    private mutating func abort(_ payload: [UInt8]) throws(RTMPError) {
        discard(try UInt32(controlPayload: payload))
    }
}

extension UInt32 {
    /// The four bytes that most protocol control messages consist of (section 5.4).
    init(controlPayload payload: [UInt8]) throws(RTMPError) {
        var reader = ByteReader(payload.span)
        do { self = try reader.readInteger() } catch { throw .malformed(error) }
    }
}
