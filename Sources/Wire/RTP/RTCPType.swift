/// RTCP packet types that we know (RFC 3550 §12.1, RFC 4585 §6.1, RFC 3611 §2).
package enum RTCPType: UInt8, Sendable {
    case senderReport = 200
    case receiverReport = 201
    case sourceDescription = 202
    case goodbye = 203
    case applicationDefined = 204
    case transportFeedback = 205
    case payloadFeedback = 206
    case extendedReport = 207

    /// Whether a datagram that came on a muxed port is RTCP rather than RTP (RFC 5761 §4).
    ///
    /// Looks at two bytes only: version 2 and a second byte of 192...223, which as an RTP payload type with marker
    /// would be 64...95 and is not allowed beside RTCP.
    package static func isRTCP(_ datagram: Span<UInt8>) -> Bool {
        datagram.count >= 2 && datagram[0] >> 6 == 2 && (192...223).contains(datagram[1])
    }
}

/// Formats of the transport layer feedback packet type (RFC 4585 §6.2, TWCC draft §3.1).
enum TransportFeedbackFormat {
    static let genericNACK: UInt8 = 1
    static let transportWideCongestionControl: UInt8 = 15
}

/// Formats of the payload-specific feedback packet type (RFC 4585 §6.3, RFC 5104 §4.3.1, REMB draft §2.2).
enum PayloadFeedbackFormat {
    static let pictureLossIndication: UInt8 = 1
    static let fullIntraRequest: UInt8 = 4
    static let applicationLayer: UInt8 = 15
}
