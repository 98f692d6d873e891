/// `a=ssrc`: a property of one RTP stream (RFC 5576 §4.1).
package struct SSRCAttribute: Hashable, Sendable {
    package var ssrc: UInt32
    /// `cname`, `msid` and the like.
    package var name: String
    package var value: String?

    package init(ssrc: UInt32, name: String, value: String?) {
        self.ssrc = ssrc
        self.name = name
        self.value = value
    }

    /// Reads an attribute's value, `1234 cname:abc`.
    package init?(parsing text: String) {
        let fields = text.sdpFields(maximum: 2)
        guard fields.count == 2, let ssrc = fields[0].sdpNumber(as: UInt32.self) else { return nil }
        let parts = fields[1].sdpSplit(at: UInt8(ascii: ":"), maximum: 2)
        self.init(ssrc: ssrc, name: String(parts[0]), value: parts.count == 2 ? String(parts[1]) : nil)
    }

    package var text: String { "\(ssrc) \(name)" + (value.map { ":\($0)" } ?? "") }
}

/// `a=ssrc-group`: RTP streams that belong together, such as one and its retransmissions (RFC 5576 §4.2).
package struct SSRCGroup: Hashable, Sendable {
    /// `FID` pairs a stream with its retransmissions (RFC 4588), `SIM` lists simulcast layers.
    package var semantics: String
    package var ssrcs: [UInt32]

    package init(semantics: String, ssrcs: [UInt32]) {
        self.semantics = semantics
        self.ssrcs = ssrcs
    }

    /// Reads an attribute's value, `FID 1 2`.
    package init?(parsing value: String) {
        let fields = value.sdpFields()
        guard fields.count >= 2 else { return nil }
        var ssrcs: [UInt32] = []
        for field in fields[1...] {
            guard let ssrc = field.sdpNumber(as: UInt32.self) else { return nil }
            ssrcs.append(ssrc)
        }
        self.init(semantics: String(fields[0]), ssrcs: ssrcs)
    }

    package var value: String { "\(semantics) \(ssrcs.map(String.init).joined(separator: " "))" }
}
