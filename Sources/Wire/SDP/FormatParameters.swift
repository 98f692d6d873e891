/// `a=fmtp`: the parameters of a payload type (RFC 8866 §6.15).
package struct FormatParameters: Hashable, Sendable {
    /// One `name=value`; the value is empty where there is only a name, as in RED's `111/111`.
    package struct Parameter: Hashable, Sendable {
        /// In lower case.
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var payloadType: UInt8
    package var parameters: [Parameter]

    package init(payloadType: UInt8, parameters: [Parameter]) {
        self.payloadType = payloadType
        self.parameters = parameters
    }

    /// Reads an attribute's value, `102 packetization-mode=1;profile-level-id=42e01f`.
    package init?(parsing value: String) {
        let fields = value.sdpFields(maximum: 2)
        guard let first = fields.first, let payloadType = RTPPayloadType.parse(first) else { return nil }
        var parameters: [Parameter] = []
        if fields.count == 2 {
            for part in fields[1].sdpSplit(at: UInt8(ascii: ";")) {
                let pair = part.sdpTrimmed().sdpSplit(at: UInt8(ascii: "="), maximum: 2)
                guard let name = pair.first?.sdpTrimmed(), !name.isEmpty else { continue }
                parameters.append(
                    Parameter(name.lowercased(), pair.count == 2 ? String(pair[1].sdpTrimmed()) : "")
                )
            }
        }
        self.init(payloadType: payloadType, parameters: parameters)
    }

    /// The value of the first parameter called `name` (in lower case).
    package subscript(name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }

    /// Names and values; the first of two with the same name counts.
    package var dictionary: [String: String] {
        Dictionary(parameters.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    package var value: String {
        let list = parameters.map { $0.value.isEmpty ? $0.name : "\($0.name)=\($0.value)" }
        return "\(payloadType) \(list.joined(separator: ";"))"
    }
}
