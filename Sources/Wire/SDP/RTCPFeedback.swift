/// `a=rtcp-fb`: a kind of RTCP feedback that a payload type allows (RFC 4585 §4.2).
package struct RTCPFeedback: Hashable, Sendable {
    /// `nil` stands for `*`, all payload types of the section.
    package var payloadType: UInt8?
    /// The kind, with single spaces inside: `nack pli`.
    package var kind: String

    package init(payloadType: UInt8?, kind: String) {
        self.payloadType = payloadType
        self.kind = kind
    }

    /// Reads an attribute's value; pion's trailing space (`96 nack `) does not count.
    package init?(parsing value: String) {
        let fields = value.sdpFields()
        guard fields.count >= 2 else { return nil }
        if fields[0] == "*" {
            payloadType = nil
        } else {
            guard let number = RTPPayloadType.parse(fields[0]) else { return nil }
            payloadType = number
        }
        kind = fields[1...].joined(separator: " ")
    }

    package var value: String { "\(payloadType.map(String.init) ?? "*") \(kind)" }
}
