/// The last packets of one outbound stream, for retransmission.
package struct SentPackets: Sendable {
    package struct Packet: Sendable {
        /// Rollover counter << 16 | sequence number.
        package var index: UInt64
        /// The whole RTP packet, in clear.
        package var bytes: [UInt8]
    }

    /// Packets kept at most: about two seconds of a video stream of 5 Mbit/s.
    package static let capacity = 1_024

    private var packets: [Packet?] = Array(repeating: nil, count: capacity)

    package init() {}

    package mutating func store(_ bytes: [UInt8], index: UInt64) {
        packets[Int(index % UInt64(Self.capacity))] = Packet(index: index, bytes: bytes)
    }

    /// The packet with this sequence number; `nil` when it was never sent or is forgotten.
    package func packet(_ sequenceNumber: UInt16) -> Packet? {
        // The capacity divides 65,536, so the low bits of the index and of the number lead to the same place.
        guard let packet = packets[Int(sequenceNumber) % Self.capacity],
            UInt16(truncatingIfNeeded: packet.index) == sequenceNumber
        else { return nil }
        return packet
    }
}
