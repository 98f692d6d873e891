package import DTLS

/// The gateway's answer to somebody who watches.
package struct PlaybackAnswer: Sendable {
    package var sdp: String
    /// The DTLS role that the answer gives the gateway.
    package var role: DTLSRole
    /// What the gateway will send, in the order of the offer; never empty.
    package var senders: [PlaybackSender]
}

/// A track on its way to one viewer.
package struct PlaybackSender: Hashable, Sendable {
    /// The identification tag of its media section; empty when the offer has none.
    package var mid: String
    /// Which media section of the offer it is, counted from 0.
    package var section: Int
    /// Index into the tracks that the answer was asked for.
    package var trackIndex: Int
    package var payloadType: UInt8
    /// Payload type and SSRC of retransmissions (RFC 4588); both `nil` when the viewer does not take them.
    package var rtxPayloadType: UInt8?
    /// The payload type for sound that repeats earlier frames (RFC 2198); `nil` where not agreed.
    ///
    /// Agreed under the same condition as ``transportCCExtension``: a packet sent again has nothing in front.
    package var redPayloadType: UInt8?
    package var ssrc: UInt32
    package var rtxSSRC: UInt32?
    package var supportsNACK: Bool
    package var supportsPLI: Bool
    package var supportsFIR: Bool
    package var supportsREMB: Bool
    /// Ids of RTP header extensions, 1...14; `nil` for those not agreed.
    ///
    /// With ``transportCCExtension`` the viewer also sends the feedback for it. It is agreed only where nothing is sent
    /// again under its first SSRC: a packet sent again has another number, and would not be the same packet.
    package var transportCCExtension: UInt8?
    package var playoutDelayExtension: UInt8?
    /// Agreed under the same condition as ``transportCCExtension``: what is sent again does not carry it.
    package var captureTimeExtension: UInt8?
    /// Agreed for AV1, and where the two forms of header extensions may be mixed (RFC 8285 §4.1): descriptors of key frames need
    /// the longer one.
    package var dependencyDescriptorExtension: UInt8?

    package init(
        mid: String,
        section: Int = 0,
        trackIndex: Int,
        payloadType: UInt8,
        rtxPayloadType: UInt8? = nil,
        redPayloadType: UInt8? = nil,
        ssrc: UInt32,
        rtxSSRC: UInt32? = nil,
        supportsNACK: Bool = false,
        supportsPLI: Bool = false,
        supportsFIR: Bool = false,
        supportsREMB: Bool = false,
        transportCCExtension: UInt8? = nil,
        playoutDelayExtension: UInt8? = nil,
        captureTimeExtension: UInt8? = nil,
        dependencyDescriptorExtension: UInt8? = nil
    ) {
        self.mid = mid
        self.section = section
        self.trackIndex = trackIndex
        self.payloadType = payloadType
        self.rtxPayloadType = rtxPayloadType
        self.redPayloadType = redPayloadType
        self.ssrc = ssrc
        self.rtxSSRC = rtxSSRC
        self.supportsNACK = supportsNACK
        self.supportsPLI = supportsPLI
        self.supportsFIR = supportsFIR
        self.supportsREMB = supportsREMB
        self.transportCCExtension = transportCCExtension
        self.playoutDelayExtension = playoutDelayExtension
        self.captureTimeExtension = captureTimeExtension
        self.dependencyDescriptorExtension = dependencyDescriptorExtension
    }

    /// The feedback that the answer keeps, as `a=rtcp-fb` kinds.
    var feedback: [String] {
        [
            (supportsNACK, "nack"), (supportsPLI, "nack pli"), (supportsFIR, "ccm fir"),
            (transportCCExtension != nil, "transport-cc"), (supportsREMB, "goog-remb"),
        ].filter(\.0).map(\.1)
    }
}
