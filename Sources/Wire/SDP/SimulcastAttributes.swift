/// `a=rid`: one layer of a simulcast, by name (RFC 8851 §4).
package struct RIDAttribute: Hashable, Sendable {
    package enum Direction: String, Hashable, Sendable {
        case send
        case recv
    }

    package var id: String
    package var direction: Direction
    /// The payload types the layer is bound to; empty means any.
    package var payloadTypes: [UInt8]

    package init(id: String, direction: Direction, payloadTypes: [UInt8] = []) {
        self.id = id
        self.direction = direction
        self.payloadTypes = payloadTypes
    }

    /// Reads an attribute's value, `h send pt=96,97;max-width=1280`; restrictions other than `pt` are dropped.
    ///
    /// - Returns: `nil` also for an id that is not 1 to 16 ASCII letters and digits, `-` or `_`: the RTP header
    ///   extension that carries it has room for 16 bytes (RFC 8852 §3.1).
    package init?(parsing value: String) {
        let fields = value.sdpFields(maximum: 3)
        guard fields.count >= 2, let direction = Direction(rawValue: String(fields[1])) else { return nil }
        guard (1...16).contains(fields[0].utf8.count), fields[0].utf8.allSatisfy(Self.isAllowed) else { return nil }
        var payloadTypes: [UInt8] = []
        if fields.count == 3 {
            for part in fields[2].sdpSplit(at: UInt8(ascii: ";")) {
                let pair = part.sdpTrimmed().sdpSplit(at: UInt8(ascii: "="), maximum: 2)
                guard pair.count == 2, pair[0] == "pt" else { continue }
                payloadTypes += pair[1].sdpSplit(at: UInt8(ascii: ",")).compactMap { RTPPayloadType.parse($0) }
            }
        }
        self.init(id: String(fields[0]), direction: direction, payloadTypes: payloadTypes)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    package var value: String {
        let restriction = payloadTypes.isEmpty ? "" : " pt=\(payloadTypes.map(String.init).joined(separator: ","))"
        return "\(id) \(direction.rawValue)\(restriction)"
    }
}

/// `a=simulcast`: which layers are sent and received (RFC 8853 §5).
package struct SimulcastAttribute: Hashable, Sendable {
    /// Layers in order, each a list of alternatives with the preferred first.
    ///
    /// The mark of a layer that starts out paused (`~`) is not kept.
    package var send: [[String]]
    package var receive: [[String]]

    package init(send: [[String]] = [], receive: [[String]] = []) {
        self.send = send
        self.receive = receive
    }

    /// Reads an attribute's value, `send h;m;~l recv x,y`.
    package init?(parsing value: String) {
        let fields = value.sdpFields()
        guard fields.count == 2 || fields.count == 4 else { return nil }
        self.init()
        for index in stride(from: 0, to: fields.count, by: 2) {
            let layers = fields[index + 1].sdpSplit(at: UInt8(ascii: ";")).map { layer in
                layer.sdpSplit(at: UInt8(ascii: ",")).map { name in
                    String(name.utf8.first == UInt8(ascii: "~") ? name.dropFirst() : name)
                }
            }
            switch fields[index] {
            case "send" where send.isEmpty: send = layers
            case "recv" where receive.isEmpty: receive = layers
            default: return nil
            }
        }
    }

    package var value: String {
        func list(_ layers: [[String]]) -> String { layers.map { $0.joined(separator: ",") }.joined(separator: ";") }
        var parts: [String] = []
        if !send.isEmpty { parts += ["send", list(send)] }
        if !receive.isEmpty { parts += ["recv", list(receive)] }
        return parts.joined(separator: " ")
    }
}
