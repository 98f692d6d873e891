package import Primitives

/// How much a peer may make us hold, and how long it may take.
///
/// The defaults leave room for every encoder in the field: a 4 MB message is one key frame of 32 Mbit.
package struct RTMPLimits: Sendable {
    /// From the connection to the end of the handshake.
    package var handshakeTimeout: Interval = .seconds(5)
    /// From the handshake to a `publish` command.
    package var publishTimeout: Interval = .seconds(10)
    /// Between two audio, video or data messages of a publisher.
    package var idleTimeout: Interval = .seconds(30)
    /// Silence after which the peer is pinged.
    package var pingInterval: Interval = .seconds(10)
    /// The largest message in bytes.
    package var maximumMessageSize = 4 << 20
    /// The largest command, data or control message in bytes.
    package var maximumCommandSize = 64 << 10
    /// Chunk streams that one connection may use.
    package var maximumChunkStreams = 32
    /// Bytes of unfinished messages on all chunk streams together.
    package var maximumBufferedBytes = 8 << 20
    /// Bytes that may arrive while a `publish` command awaits its answer; they are kept for afterwards.
    package var maximumHeldBytes = 1 << 20
    /// Commands and control messages a second.
    package var maximumCommandsPerSecond = 100
    /// Bounds of one AMF0 message.
    package var amf = AMF0Limits()

    package init() {}
}
