/// What a datagram on the shared port is, told by its first two bytes (RFC 7983 §7, RFC 5761 §4).
package enum DatagramKind: Hashable, Sendable {
    case stun
    case dtls
    case rtp
    case rtcp
    /// ZRTP, TURN channel data, QUIC, an empty datagram, anything else: not for us.
    case other

    @inlinable
    package init(_ datagram: Span<UInt8>) {
        guard datagram.count >= 2 else {
            self = .other
            return
        }
        self.init(firstByte: datagram[0], secondByte: datagram[1])
    }

    /// With the marker bit set, RTP payload types 64 to 95 look like RTCP packet types 192 to 223: they are not
    /// used with rtcp-mux (RFC 5761 §4).
    @inlinable
    package init(firstByte: UInt8, secondByte: UInt8) {
        switch firstByte {
        case 0...3: self = .stun
        case 20...63: self = .dtls
        case 128...191: self = (192...223).contains(secondByte) ? .rtcp : .rtp
        default: self = .other
        }
    }
}
