/// `a=extmap`: the id of an RTP header extension (RFC 8285 §5).
package struct HeaderExtensionMap: Hashable, Sendable {
    /// 1 to 14 fit the one-byte form, 16 to 255 need the two-byte form; from 4,096 on it is only a proposal.
    package var id: UInt16
    /// Who sends it, as the author sees it; `nil` means that it follows the section.
    package var direction: MediaDirection?
    package var uri: String

    package init(id: UInt16, direction: MediaDirection? = nil, uri: String) {
        self.id = id
        self.direction = direction
        self.uri = uri
    }

    /// Reads an attribute's value, `6/recvonly URI`; extension attributes behind the URI are dropped.
    package init?(parsing value: String) {
        let fields = value.sdpFields(maximum: 3)
        guard fields.count >= 2 else { return nil }
        let parts = fields[0].sdpSplit(at: UInt8(ascii: "/"), maximum: 2)
        guard let id = parts[0].sdpNumber(as: UInt16.self), id > 0 else { return nil }
        var direction: MediaDirection?
        if parts.count == 2 {
            guard let parsed = MediaDirection(rawValue: String(parts[1])) else { return nil }
            direction = parsed
        }
        self.init(id: id, direction: direction, uri: String(fields[1]))
    }

    package var value: String { "\(id)\(direction.map { "/\($0.rawValue)" } ?? "") \(uri)" }
}
