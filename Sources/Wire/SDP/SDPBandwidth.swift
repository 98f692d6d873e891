/// A `b=` line: the most that a session or a media section is proposed to take (RFC 8866 §5.8).
///
/// In an offer of what somebody receives it is what they want; in one that only sends it can be but what they send.
package struct SDPBandwidth: Hashable, Sendable {
    /// What is counted.
    package enum Kind: String, Sendable {
        /// With the headers of all layers from IP on, in kbit/s on the line.
        case applicationSpecific = "AS"
        /// Without those below RTP (RFC 3890), in bit/s on the line.
        case transportIndependent = "TIAS"
    }

    package var kind: Kind
    /// 1 to ``maximumBitsPerSecond``.
    package var bitsPerSecond: Int

    /// More than any publisher sends: 1 Tbit/s.
    package static let maximumBitsPerSecond = 1_000_000_000_000

    package init(kind: Kind, bitsPerSecond: Int) {
        self.kind = kind
        self.bitsPerSecond = bitsPerSecond
    }

    /// - Returns: `nil` for other kinds (`CT`, `RS`, `RR`), for zero, which offerers mean no limit by, and for what is no number.
    init?(parsing text: String) {
        let fields = text.sdpSplit(at: UInt8(ascii: ":"))
        guard fields.count == 2, let kind = Kind(rawValue: String(fields[0])),
            let number = fields[1].sdpNumber(as: Int.self), number > 0
        else { return nil }
        let unit = kind == .applicationSpecific ? 1000 : 1
        guard number <= Self.maximumBitsPerSecond / unit else { return nil }
        self.init(kind: kind, bitsPerSecond: number * unit)
    }

    /// What follows `b=`.
    var value: String {
        "\(kind.rawValue):\(kind == .applicationSpecific ? bitsPerSecond / 1000 : bitsPerSecond)"
    }

    /// The one of several lines that counts: browsers write both kinds, of which `TIAS` says more exactly what is sent.
    static func preferred(_ first: SDPBandwidth?, _ second: SDPBandwidth) -> SDPBandwidth {
        guard let first, first.kind == second.kind || first.kind == .transportIndependent else { return second }
        return first
    }
}
