package import Media
package import Primitives

/// What has happened to a session so far.
package struct ClientStatistics: Sendable {
    /// When a path was selected.
    package var connectedAt: Instant?
    /// When the keys were there.
    package var securedAt: Instant?
    package var incoming: [IncomingStatistics] = []
    package var outgoing: [OutgoingStatistics] = []
    /// Datagrams that were neither ICE, DTLS nor authentic media of a track of ours.
    package var ignoredDatagrams = 0

    package init() {}
}

/// A track that we receive.
package struct IncomingStatistics: Sendable {
    package var codec: Codec
    /// Media packets, without retransmissions.
    package var packets: Int64 = 0
    /// Payload bytes of them.
    package var bytes: Int64 = 0
    /// Packets that did not come by themselves; some of them have been repaired since.
    package var lost: Int64 = 0
    /// Packets that came because we asked.
    package var repaired: Int64 = 0
    /// Packets that never came.
    package var unrecovered: Int64 = 0
    /// Packets asked for, repetitions included.
    package var requested: Int64 = 0
    /// Frames that a decoder could show.
    package var frames: Int64 = 0
    package var keyFrames: Int64 = 0
    /// Frames that were damaged, or depend on one that was.
    package var undecodable: Int64 = 0
    /// Requests for a key frame.
    package var keyFrameRequests: Int64 = 0
    /// Interarrival jitter (RFC 3550 §6.4.1).
    package var jitter = Interval.zero
    package var firstPacketAt: Instant?
    /// When the first frame that a decoder could show was complete.
    package var firstFrameAt: Instant?

    package init(codec: Codec) {
        self.codec = codec
    }
}

/// A track that we send.
package struct OutgoingStatistics: Sendable {
    package var codec: Codec
    /// Media packets, without retransmissions.
    package var packets: Int64 = 0
    /// Payload bytes of them.
    package var bytes: Int64 = 0
    package var frames: Int64 = 0
    package var keyFrames: Int64 = 0
    /// Frames that could not be made into packets.
    package var refused: Int64 = 0
    package var retransmissions: Int64 = 0
    /// Requests of the server for a key frame.
    package var keyFrameRequests: Int64 = 0
    /// Packets that the server has not received, as it says.
    package var lost: Int64 = 0
    /// As the server says.
    package var jitter = Interval.zero
    package var roundTrip: Interval?

    package init(codec: Codec) {
        self.codec = codec
    }
}
