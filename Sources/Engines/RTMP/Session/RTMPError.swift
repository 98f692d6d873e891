package import Primitives

/// Why an RTMP connection ended, or must end.
package enum RTMPError: Error, Equatable, Sendable {
    /// The handshake was not finished within ``RTMPLimits/handshakeTimeout``.
    case handshakeTimedOut
    /// The first byte asked for a version other than 3; plain HTTP and TLS end here as well.
    case unsupportedVersion(UInt8)
    /// No `publish` within ``RTMPLimits/publishTimeout``.
    case publishTimedOut
    /// A publisher sent no media for ``RTMPLimits/idleTimeout``.
    case idle
    /// Bytes that are not RTMP.
    case malformed(ParseError)
    /// A message announced more bytes than ``RTMPLimits`` allow for its type.
    case messageTooLarge(bytes: Int)
    /// More chunk streams than ``RTMPLimits/maximumChunkStreams``.
    case tooManyChunkStreams
    /// Unfinished messages, or bytes that came before a decision, exceed their bound.
    case tooMuchBuffered
    /// More commands than ``RTMPLimits/maximumCommandsPerSecond``.
    case commandFlood
    /// The publisher sends an encoding we do not carry. `name` is text of ours, never input.
    case unsupportedCodec(name: String)
    /// We answered `publish` or `connect` with an error; `description` is what the encoder showed.
    case refused(code: String, description: String)
    /// The peer refused us (client side); the text is the peer's own.
    case refusedByPeer(code: String, description: String)
    /// We closed a session that had been accepted, for example because another publisher took over.
    case closedByUs(code: String, description: String)
}

extension RTMPError: CustomStringConvertible {
    /// Plain words for a log line; never holds a token.
    package var description: String {
        switch self {
        case .handshakeTimedOut: "the handshake was not finished in time"
        case .unsupportedVersion(0x16): "this is TLS, which has a port of its own (rtmps.port)"
        case .unsupportedVersion(let version): "the first byte is \(version), not RTMP version 3"
        case .publishTimedOut: "no publish command in time"
        case .idle: "no media for too long"
        case .malformed(let error): "malformed RTMP: \(error)"
        case .messageTooLarge(let bytes): "a message of \(bytes) bytes exceeds the limit"
        case .tooManyChunkStreams: "too many chunk streams"
        case .tooMuchBuffered: "too many unfinished bytes"
        case .commandFlood: "too many commands in a second"
        case .unsupportedCodec(let name): "\(name) is not supported"
        case .refused(let code, let description), .closedByUs(let code, let description):
            "\(code): \(description)"
        case .refusedByPeer(let code, let description): "the server answered \(code): \(description)"
        }
    }
}
