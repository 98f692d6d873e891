import Media
import Primitives

extension RTMPServerSession {
    /// Values of `onMetaData` that are passed on; encoders send about twenty.
    private static let maximumMetadataValues = 64

    mutating func receiveMedia(_ body: Span<UInt8>, kind: MediaKind, timestamp: UInt32) {
        // Before the publication is accepted the inbox holds media back, and after its end there may
        // still be some under way.
        guard case .publishing = phase else { return }
        timers.receivedMedia()
        for event in media.receive(body, kind: kind, timestamp: timestamp, at: timers.now) {
            switch event {
            case .configuration(let configuration): outbox.append(.configuration(configuration))
            case .frame(let frame): outbox.append(.frame(frame))
            case .clockJump: outbox.append(.clockJump)
            case .warning(let warning): outbox.append(.warning(warning))
            case .refusal(let error): fail(error)
            }
        }
    }

    /// An aggregate message: FLV tags one after the other (RTMP 1.0, section 7.1.6).
    ///
    /// The first tag's timestamp corresponds to the message's; the others keep their distance to it.
    mutating func receiveAggregate(_ message: RTMPMessage) throws(RTMPError) {
        var reader = ByteReader(message.payload.span)
        var base: UInt32?
        do {
            while reader.remaining > 0 {
                let type = MessageType(rawValue: try reader.readInteger())
                let length = Int(try reader.readUInt24())
                let lower = try reader.readUInt24()
                let upper: UInt8 = try reader.readInteger()
                try reader.skip(3)  // The message stream id, which is the aggregate's own.
                let body = try reader.readSpan(length)
                try reader.skip(min(4, reader.remaining))  // The back pointer.
                let own = UInt32(upper) << 24 | lower
                let timestamp = message.timestamp &+ (own &- (base ?? own))
                base = base ?? own
                switch type {
                case .audio: receiveMedia(body, kind: .audio, timestamp: timestamp)
                case .video: receiveMedia(body, kind: .video, timestamp: timestamp)
                default: break
                }
            }
        } catch {
            throw .malformed(error)
        }
    }

    /// Passes on what `onMetaData` says.
    ///
    /// Metadata is a courtesy: what cannot be read is left unread.
    mutating func handleData(_ message: RTMPMessage) {
        guard case .publishing = phase, let values = try? Command.values(of: message, limits: limits.amf) else {
            return
        }
        var rest = values[...]
        if rest.first?.string == "@setDataFrame" { rest.removeFirst() }
        guard rest.popFirst()?.string == "onMetaData", let members = rest.first?.members else { return }
        var metadata: [String: AMF0Value] = [:]
        for property in members.properties.prefix(Self.maximumMetadataValues) where metadata[property.name] == nil {
            metadata[property.name] = property.value
        }
        outbox.append(.metadata(metadata))
    }
}
