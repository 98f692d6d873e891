/// `a=rtpmap`: what a payload type carries (RFC 8866 §6.6).
package struct RTPMap: Hashable, Sendable {
    /// 0 to 127.
    package var payloadType: UInt8
    /// Case does not matter: GStreamer writes `OPUS`.
    package var encodingName: String
    /// The RTP timestamp clock in Hz.
    package var clockRate: Int
    /// Audio channels; `nil` when not given, which means 1.
    package var channels: Int?

    package init(payloadType: UInt8, encodingName: String, clockRate: Int, channels: Int? = nil) {
        self.payloadType = payloadType
        self.encodingName = encodingName
        self.clockRate = clockRate
        self.channels = channels
    }

    /// Reads an attribute's value, `96 VP8/90000`.
    package init?(parsing value: String) {
        let fields = value.sdpFields()
        guard fields.count >= 2, let payloadType = RTPPayloadType.parse(fields[0]) else { return nil }
        let parts = fields[1].sdpSplit(at: UInt8(ascii: "/"))
        guard (2...3).contains(parts.count), !parts[0].isEmpty, let clockRate = parts[1].sdpNumber(as: UInt32.self)
        else { return nil }
        self.init(
            payloadType: payloadType,
            encodingName: String(parts[0]),
            clockRate: Int(clockRate),
            channels: parts.count == 3 ? parts[2].sdpNumber(as: UInt8.self).map(Int.init) : nil
        )
    }

    package var value: String {
        "\(payloadType) \(encodingName)/\(clockRate)" + (channels.map { "/\($0)" } ?? "")
    }
}

/// RTP payload types as SDP writes them.
package enum RTPPayloadType {
    /// The payload type 0 to 127 that `text` is; `nil` for anything else.
    package static func parse(_ text: some StringProtocol) -> UInt8? {
        guard let number = text.sdpNumber(as: UInt8.self), number < 128 else { return nil }
        return number
    }
}
