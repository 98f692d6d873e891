/// An `m=` line and what belongs to it (RFC 8866 §5.14).
package struct MediaDescription: Hashable, Sendable {
    /// `audio`, `video`, `application` or what else the peer names.
    package var media: String
    /// 0 rejects the section (RFC 3264 §6), or marks it bundle-only in an offer (RFC 9143 §6).
    package var port: UInt16
    /// The protocol, such as `UDP/TLS/RTP/SAVPF`.
    package var transport: String
    /// RTP payload types in order of preference, or `webrtc-datachannel`.
    package var formats: [String]
    package var connection: String?
    /// Of this section; see ``SDPBandwidth``.
    package var bandwidth: SDPBandwidth?
    package var attributes: SDPAttributes

    package init(
        media: String,
        port: UInt16,
        transport: String,
        formats: [String],
        connection: String? = nil,
        bandwidth: SDPBandwidth? = nil,
        attributes: SDPAttributes = SDPAttributes()
    ) {
        self.media = media
        self.port = port
        self.transport = transport
        self.formats = formats
        self.connection = connection
        self.bandwidth = bandwidth
        self.attributes = attributes
    }

    init?(parsing text: String) {
        let fields = text.sdpFields()
        guard fields.count >= 4, fields.count - 3 <= SDPLimits.maximumFormats else { return nil }
        // `<port>/<number of ports>` is allowed; the number means nothing once RTP and RTCP share one port.
        let ports = fields[1].sdpSplit(at: UInt8(ascii: "/"))
        guard (1...2).contains(ports.count), let port = ports[0].sdpNumber(as: UInt16.self) else { return nil }
        self.init(
            media: String(fields[0]),
            port: port,
            transport: String(fields[2]),
            formats: fields[3...].map(String.init)
        )
    }

    var lines: [String] {
        var lines = ["m=\(media) \(port) \(transport) \(formats.joined(separator: " "))"]
        if let connection { lines.append("c=\(connection)") }
        if let bandwidth { lines.append("b=\(bandwidth.value)") }
        return lines + attributes.elements.map(\.line)
    }

    /// The identification tag (RFC 5888).
    package var mid: String? { attributes.first("mid") }

    /// The direction as the peer that wrote it sees it; `nil` when the section does not say.
    package var direction: MediaDirection? { attributes.direction }
}

extension SDPAttributes {
    /// The first of `sendrecv`, `sendonly`, `recvonly` and `inactive`; `nil` when there is none.
    package var direction: MediaDirection? {
        for element in elements where element.value == nil {
            if let direction = MediaDirection(rawValue: element.name) { return direction }
        }
        return nil
    }
}

/// Who sends in a media section, as the author of the description sees it (RFC 8866 §6.7).
package enum MediaDirection: String, Hashable, Sendable {
    case sendrecv
    case sendonly
    case recvonly
    case inactive

    package var sends: Bool { self == .sendrecv || self == .sendonly }
    package var receives: Bool { self == .sendrecv || self == .recvonly }
}

/// Who starts the DTLS handshake (RFC 4145 §4, RFC 8842 §5).
package enum SetupRole: String, Hashable, Sendable {
    case active
    case passive
    case actpass
    case holdconn
}
