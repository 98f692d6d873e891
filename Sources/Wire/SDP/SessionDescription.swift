/// A session description (RFC 8866) as offers and answers carry it (RFC 3264, RFC 9429).
///
/// Holds what offer/answer needs; `i=`, `u=`, `e=`, `p=`, `r=`, `z=` and `k=` lines are read over and not kept.
package struct SessionDescription: Hashable, Sendable {
    package var origin: SDPOrigin
    /// The `s=` line; `-` when the session has no name.
    package var name: String
    /// The session-level `c=` line, such as `IN IP4 0.0.0.0`.
    package var connection: String?
    /// Of all media together; see ``SDPBandwidth``.
    package var bandwidth: SDPBandwidth?
    package var attributes: SDPAttributes
    package var media: [MediaDescription]

    package init(
        origin: SDPOrigin,
        name: String = "-",
        connection: String? = nil,
        bandwidth: SDPBandwidth? = nil,
        attributes: SDPAttributes = SDPAttributes(),
        media: [MediaDescription] = []
    ) {
        self.origin = origin
        self.name = name
        self.connection = connection
        self.bandwidth = bandwidth
        self.attributes = attributes
        self.media = media
    }

    /// The value of `name` in media section `index`, or else that of the session.
    ///
    /// For attributes that may stand at either level, such as `setup` and `ice-ufrag`.
    package func inherited(_ name: String, inMediaSection index: Int) -> String? {
        guard media.indices.contains(index) else { return attributes.first(name) }
        return media[index].attributes.first(name) ?? attributes.first(name)
    }
}

/// The `o=` line: who made the description (RFC 8866 §5.2).
package struct SDPOrigin: Hashable, Sendable {
    package var userName: String
    /// A number that peers often make longer than 64 bits, hence text.
    package var sessionID: String
    package var sessionVersion: String
    /// `IN IP4 0.0.0.0`: nobody connects to it in WebRTC.
    package var address: String

    package init(
        userName: String = "-",
        sessionID: String,
        sessionVersion: String = "1",
        address: String = "IN IP4 0.0.0.0"
    ) {
        self.userName = userName
        self.sessionID = sessionID
        self.sessionVersion = sessionVersion
        self.address = address
    }

    init?(parsing text: String) {
        let fields = text.sdpFields()
        guard fields.count == 6 else { return nil }
        userName = String(fields[0])
        sessionID = String(fields[1])
        sessionVersion = String(fields[2])
        address = fields[3...].joined(separator: " ")
    }
}
