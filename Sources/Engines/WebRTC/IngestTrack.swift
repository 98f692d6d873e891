package import DTLS
package import Media

/// The gateway's answer to somebody who publishes.
package struct IngestAnswer: Sendable {
    package var sdp: String
    /// The DTLS role that the answer gives the gateway.
    package var role: DTLSRole
    /// What will come in, in the order of the offer; never empty.
    package var tracks: [IngestTrack]
    /// Bits per second of all tracks together, by the publisher's own words; `nil` where it says so of single ones or not at all.
    package var declaredBitrate: Int?
}

/// One way in which a publisher may send a track: a payload type and the feedback agreed for it.
package struct IngestFormat: Hashable, Sendable {
    package var description: TrackDescription
    package var payloadType: UInt8
    /// The payload type of retransmissions (RFC 4588); `nil` when there are none.
    package var rtxPayloadType: UInt8?
    /// The payload type under which its frames may come with earlier ones in front (RFC 2198); `nil` when not agreed.
    package var redPayloadType: UInt8?
    /// Whether that one stands first in the offer.
    package var prefersRED = false
    package var supportsNACK: Bool
    package var supportsPLI: Bool
    package var supportsFIR: Bool
    package var supportsTransportCC: Bool
    package var supportsREMB: Bool

    package init(
        description: TrackDescription,
        payloadType: UInt8,
        rtxPayloadType: UInt8? = nil,
        redPayloadType: UInt8? = nil,
        supportsNACK: Bool = false,
        supportsPLI: Bool = false,
        supportsFIR: Bool = false,
        supportsTransportCC: Bool = false,
        supportsREMB: Bool = false
    ) {
        self.description = description
        self.payloadType = payloadType
        self.rtxPayloadType = rtxPayloadType
        self.redPayloadType = redPayloadType
        self.supportsNACK = supportsNACK
        self.supportsPLI = supportsPLI
        self.supportsFIR = supportsFIR
        self.supportsTransportCC = supportsTransportCC
        self.supportsREMB = supportsREMB
    }
}

/// A track that a publisher will send.
package struct IngestTrack: Sendable {
    /// The identification tag of its media section; empty when the offer has none.
    package var mid: String
    /// What the publisher sends, as far as is known: its first choice until ``select(payloadType:)`` says otherwise.
    package var selected: IngestFormat
    /// What else it may send.
    ///
    /// Pion lists every codec it knows, whichever it is about to send, and only the payload
    /// type of the first packet tells.
    package var alternatives: [IngestFormat]
    /// SSRCs announced for the media, retransmissions not among them; empty when the offer does not tell.
    package var ssrcs: [UInt32]
    /// SSRCs announced for retransmissions, in the order of the media that they repair.
    package var rtxSSRCs: [UInt32]
    /// Names of simulcast layers in the order of the offer, usually the best first; empty without simulcast.
    package var rids: [String]
    /// Bits per second that the publisher says it sends at most; `nil` when the offer does not tell.
    package var declaredBitrate: Int?
    /// Ids of RTP header extensions; `nil` for those not agreed.
    package var midExtension: UInt8?
    package var ridExtension: UInt8?
    package var repairedRIDExtension: UInt8?
    package var transportCCExtension: UInt8?
    package var absCaptureTimeExtension: UInt8?
    /// Agreed where AV1 is expected: other codecs name their layers in their payloads.
    package var dependencyDescriptorExtension: UInt8?

    /// A track without simulcast or header extensions.
    package init(
        mid: String,
        selected: IngestFormat,
        alternatives: [IngestFormat] = [],
        ssrcs: [UInt32] = [],
        rtxSSRCs: [UInt32] = []
    ) {
        self.mid = mid
        self.selected = selected
        self.alternatives = alternatives
        self.ssrcs = ssrcs
        self.rtxSSRCs = rtxSSRCs
        rids = []
    }

    package var description: TrackDescription { selected.description }
    package var payloadType: UInt8 { selected.payloadType }
    package var rtxPayloadType: UInt8? { selected.rtxPayloadType }
    package var redPayloadType: UInt8? { selected.redPayloadType }
    package var supportsNACK: Bool { selected.supportsNACK }
    package var supportsPLI: Bool { selected.supportsPLI }
    package var supportsFIR: Bool { selected.supportsFIR }
    package var supportsTransportCC: Bool { selected.supportsTransportCC }
    package var supportsREMB: Bool { selected.supportsREMB }

    /// Makes the format with `payloadType` the selected one.
    ///
    /// - Returns: Whether the track has such a format. Payload types of retransmissions do not count.
    package mutating func select(payloadType: UInt8) -> Bool {
        if selected.payloadType == payloadType { return true }
        guard let index = alternatives.firstIndex(where: { $0.payloadType == payloadType }) else { return false }
        swap(&selected, &alternatives[index])
        return true
    }
}
