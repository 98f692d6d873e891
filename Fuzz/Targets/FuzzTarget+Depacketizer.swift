import Media
import Primitives
import RTP

/// A run of payloads, each behind two bytes: flags, and its length.
///
/// The flags are the marker (1), the beginning of another timestamp (2), and in bits 2 and 3 how many packets were lost
/// before. What is held stays within the bound, and what counts as complete can be cut into packets again.
func fuzzDepacketizer(_ input: Span<UInt8>, codec: Codec) {
    let maximumFrameSize = 2_000
    var depacketizer = RTPDepacketizer(codec: codec, maximumFrameSize: maximumFrameSize)
    var packetizer = RTPPacketizer(codec: codec, payloadType: 96, ssrc: 1, firstSequenceNumber: 0)
    var reader = ByteReader(input)
    var sequence: Int64 = 65_530
    var timestamp: UInt32 = .max
    while let flags = try? reader.readInteger(as: UInt8.self), let length = try? reader.readInteger(as: UInt8.self) {
        guard let payload = try? reader.readSpan(min(Int(length), reader.remaining)) else { return }
        sequence += 1 + Int64(flags >> 2 & 3)
        if flags & 2 != 0 { timestamp &+= 3_000 }
        let frames = depacketizer.receive(
            payload, sequence: sequence, timestamp: timestamp, marker: flags & 1 != 0)
        for received in frames {
            precondition(received.frame.payload.count <= maximumFrameSize, "a frame beyond its bound")
            guard received.isComplete else { continue }
            _ = CodecConfiguration(inBandOf: received.frame)
            var burst = PacketBurst()
            do {
                try packetizer.packetize(received.frame, configuration: nil, timestamp: 0, into: &burst)
            } catch {
                precondition(codec == .opus, "a complete frame that no packetizer takes: \(error)")
            }
        }
    }
}
