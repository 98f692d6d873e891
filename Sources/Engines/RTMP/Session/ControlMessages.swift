import Primitives

extension RTMPMessage {
    /// A protocol control message of one 32-bit number (RTMP 1.0, section 5.4).
    static func control(_ type: MessageType, _ value: UInt32) -> RTMPMessage {
        var writer = ByteWriter()
        writer.write(value)
        return RTMPMessage(type: type, payload: writer.bytes)
    }

    /// Set Peer Bandwidth with the dynamic limit type (section 5.4.5).
    static func setPeerBandwidth(_ bytes: UInt32) -> RTMPMessage {
        var writer = ByteWriter()
        writer.write(bytes)
        writer.write(UInt8(2))
        return RTMPMessage(type: .setPeerBandwidth, payload: writer.bytes)
    }

    static func userControl(_ event: UserControlEvent, _ value: UInt32) -> RTMPMessage {
        var writer = ByteWriter()
        writer.write(event.rawValue)
        writer.write(value)
        return RTMPMessage(type: .userControl, payload: writer.bytes)
    }
}

/// The events of User Control messages that we send or answer (RTMP 1.0, section 7.1.7).
enum UserControlEvent: UInt16 {
    case streamBegin = 0
    case streamEOF = 1
    case pingRequest = 6
    case pingResponse = 7
}

/// When to acknowledge received bytes (RTMP 1.0, sections 5.4.3 and 5.4.4).
struct Acknowledger: Sendable {
    /// What we ask of the peer, and what we assume until it asks us for something else, in bytes.
    static let defaultWindow: UInt32 = 2_500_000

    private var window = UInt64(defaultWindow)
    private var received: UInt64 = 0
    private var acknowledged: UInt64 = 0

    mutating func setWindow(_ bytes: UInt32) {
        // Zero would ask for an acknowledgement of nothing, for ever; a tiny one for one per read.
        window = UInt64(max(bytes, 4_096))
    }

    /// Counts bytes and returns the sequence number to acknowledge, if it is time.
    mutating func receive(_ count: Int) -> UInt32? {
        received += UInt64(count)
        guard received - acknowledged >= window else { return nil }
        acknowledged = received
        return UInt32(truncatingIfNeeded: received)
    }
}

/// Allows so many events in each second.
struct RateLimit: Sendable {
    private let maximum: Int
    private var windowStart = Instant.zero
    private var count = 0

    init(perSecond maximum: Int) {
        self.maximum = maximum
    }

    mutating func allows(at now: Instant) -> Bool {
        if now - windowStart >= .seconds(1) {
            windowStart = now
            count = 0
        }
        count += 1
        return count <= maximum
    }
}
