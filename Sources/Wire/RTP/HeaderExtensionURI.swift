/// The RTP header extensions that we know, by the URI that names them in `a=extmap`.
package enum HeaderExtensionURI: String, Hashable, Sendable, CaseIterable {
    /// Which `m=` section a packet belongs to (RFC 9143 §15.1).
    case mid = "urn:ietf:params:rtp-hdrext:sdes:mid"
    /// Which simulcast layer a packet belongs to (RFC 8852 §4.1).
    case rid = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
    /// Which simulcast layer a retransmission repairs (RFC 8852 §4.2).
    case repairedRID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
    /// A counter over all packets of a transport, for TWCC (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    case transportSequenceNumber = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    /// When the first sample of a frame was captured, by the capturer's NTP clock.
    case absoluteCaptureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
    /// When a packet left its sender, as 6.18 fixed point seconds.
    case absoluteSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    /// How much later than its timestamp says a packet left (RFC 5450).
    case transmissionTimeOffset = "urn:ietf:params:rtp-hdrext:toffset"
    /// The least and greatest delay that the receiver may choose.
    case playoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
    /// Loudness and voice activity of one audio packet (RFC 6464).
    case audioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    /// How the camera was turned (3GPP TS 26.114 §7.4.5).
    case videoOrientation = "urn:3gpp:video-orientation"
    /// Which frame of a scalable stream a packet belongs to (AV1 RTP specification, appendix A).
    case dependencyDescriptor =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
}
