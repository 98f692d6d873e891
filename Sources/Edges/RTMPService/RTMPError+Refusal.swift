import RTMP

extension RTMPError {
    /// A stable word for the metrics; `nil` where the refusal was counted when it was made, and for ends that are none.
    var refusalReason: String? {
        switch self {
        case .handshakeTimedOut: "rtmp-handshake-timeout"
        case .publishTimedOut: "rtmp-publish-timeout"
        case .idle: "rtmp-idle"
        case .unsupportedVersion, .malformed: "rtmp-malformed"
        case .messageTooLarge, .tooManyChunkStreams, .tooMuchBuffered, .commandFlood: "rtmp-limit-exceeded"
        case .unsupportedCodec: "unsupported-codec"
        case .refused, .refusedByPeer, .closedByUs: nil
        }
    }
}
