/// Where the encrypted part of an RTP packet begins.
enum PacketLayout {
    /// The length of a fixed RTP header, and the least a packet can be.
    static let minimumRTPLength = 12
    /// The part of an RTCP packet that is never encrypted: the first word and the sender's SSRC (RFC 3711 §3.4).
    static let rtcpHeaderLength = 8

    /// The length of the header with CSRCs and extension (RFC 3550 §5.1 and §5.3.1).
    ///
    /// Only the first `limit` bytes of `packet` may be header, what lies behind is the tag. A header that claims more,
    /// or is not version 2, is ``SRTPError/truncated``.
    static func rtpHeaderLength(_ packet: UnsafeRawBufferPointer, limit: Int) throws(SRTPError) -> Int {
        guard limit >= minimumRTPLength, limit <= packet.count, packet[0] >> 6 == 2 else { throw .truncated }
        var length = minimumRTPLength + 4 * Int(packet[0] & 0x0F)
        if packet[0] & 0x10 != 0 {
            guard length + 4 <= limit else { throw .truncated }
            length += 4 + 4 * (Int(packet[length + 2]) << 8 | Int(packet[length + 3]))
        }
        guard length <= limit else { throw .truncated }
        return length
    }

    /// Reads a big-endian word, of which the caller has checked that it is there.
    static func word(_ packet: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
        UInt32(bigEndian: packet.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
