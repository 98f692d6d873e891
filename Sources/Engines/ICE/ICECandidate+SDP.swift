package import Primitives

extension ICECandidate {
    /// The longest `candidate` attribute that we read, in bytes.
    package static let maximumLineLength = 512

    /// Parses the value of a `candidate` attribute, with or without `a=` and `candidate:` before it.
    ///
    /// Candidates that we cannot use parse too (TCP, mDNS and other names, second components), because a peer may
    /// send them and nothing is wrong with that: see ``isUsable``. Extension attributes are passed over.
    ///
    /// - Throws: ``ParseError/invalid(field:)`` when a field is missing or out of its range (RFC 8839 §5.1), and
    ///   ``ParseError/limitExceeded(what:)`` for a line longer than ``maximumLineLength``.
    package init(parsing line: some StringProtocol) throws(ParseError) {
        guard line.utf8.count <= Self.maximumLineLength else { throw .limitExceeded(what: "candidate length") }
        var text = Substring(line)
        for prefix in ["a=", "candidate:"] where text.hasPrefix(prefix) { text.removeFirst(prefix.utf8.count) }
        let fields = text.split(whereSeparator: { $0 == " " || $0.isNewline })
        guard fields.count >= 8, fields[6] == "typ" else { throw .invalid(field: "candidate") }
        guard (1...32).contains(fields[0].utf8.count), fields[0].utf8.allSatisfy(Self.isICECharacter) else {
            throw .invalid(field: "candidate foundation")
        }
        guard let component = Self.number(fields[1]), (1...256).contains(component) else {
            throw .invalid(field: "candidate component")
        }
        guard let priority = Self.number(fields[3]), (1...0x7FFF_FFFF).contains(priority) else {
            throw .invalid(field: "candidate priority")
        }
        guard let port = Self.number(fields[5]), port <= 0xFFFF else { throw .invalid(field: "candidate port") }
        guard let kind = Kind(rawValue: String(fields[7])) else { throw .invalid(field: "candidate type") }
        guard (1...255).contains(fields[4].utf8.count) else { throw .invalid(field: "candidate address") }

        foundation = String(fields[0])
        self.component = component
        transport =
            switch fields[2].lowercased() {
            case "udp": .udp
            case "tcp": .tcp
            default: .other
            }
        self.priority = UInt32(priority)
        host = String(fields[4])
        self.port = UInt16(port)
        self.kind = kind
        relatedAddress = Self.relatedAddress(in: fields.dropFirst(8))
        tcpType = transport == .tcp ? Self.tcpType(in: fields.dropFirst(8)) : nil
    }

    /// The attribute without `a=`: `candidate:1 1 udp 2130706431 192.0.2.1 8100 typ host`.
    package var sdp: String {
        let transport =
            switch transport {
            case .udp: "udp"
            case .tcp: "tcp"
            case .other: "unknown"
            }
        var text =
            "candidate:\(foundation) \(component) \(transport) \(priority) \(host) \(port) typ \(kind.rawValue)"
        if let relatedAddress { text += " raddr \(relatedAddress.host) rport \(relatedAddress.port)" }
        if let tcpType { text += " tcptype \(tcpType.rawValue)" }
        return text
    }

    private static func relatedAddress(in fields: ArraySlice<Substring>) -> TransportAddress? {
        guard let name = fields.firstIndex(of: "raddr"), name + 3 < fields.endIndex, fields[name + 2] == "rport",
            let port = number(fields[name + 3]), let port = UInt16(exactly: port)
        else { return nil }
        return TransportAddress(fields[name + 1], port: port)
    }

    private static func tcpType(in fields: ArraySlice<Substring>) -> TCPType? {
        guard let name = fields.firstIndex(of: "tcptype"), name + 1 < fields.endIndex else { return nil }
        return TCPType(rawValue: String(fields[name + 1]))
    }

    /// A non-negative decimal number of at most ten digits, without sign.
    private static func number(_ text: Substring) -> Int? {
        guard (1...10).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    private static func isICECharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default: false
        }
    }
}
