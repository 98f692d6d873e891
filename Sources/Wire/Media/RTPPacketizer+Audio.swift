import Primitives
import RTP

/// The RTP payload formats for Opus (RFC 7587) and G.711 (RFC 3551 §4.5.14).
extension RTPPacketizer {
    mutating func packetizeOpus(
        _ frame: EncodedFrame,
        timestamp: UInt32,
        into burst: inout PacketBurst
    ) throws(ParseError) {
        guard !frame.payload.isEmpty else { throw .invalid(field: "empty Opus packet") }
        // Opus cannot be cut (RFC 7587 §4.2); 1,154 bytes in 20 ms are 460 kbit/s.
        guard frame.payload.count <= maximumPayloadSize else { throw .limitExceeded(what: "Opus packet size") }
        append(marker: false, timestamp: timestamp, to: &burst) { $0.append(contentsOf: frame.payload) }
    }

    /// One byte is one sample, so a packet may be cut anywhere and its parts carry their own timestamps.
    mutating func packetizeG711(_ frame: EncodedFrame, timestamp: UInt32, into burst: inout PacketBurst) {
        for part in EqualParts(frame.payload.indices, maximum: maximumPayloadSize) {
            let partTimestamp = timestamp &+ UInt32(truncatingIfNeeded: part.lowerBound)
            append(marker: false, timestamp: partTimestamp, to: &burst) { $0.append(contentsOf: frame.payload[part]) }
        }
    }
}
