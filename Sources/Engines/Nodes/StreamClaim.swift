package import Primitives

/// Which gateway has a stream's publisher.
package struct StreamOrigin: Hashable, Sendable {
    package var stream: StreamName
    package var node: NodeID
    /// Where that gateway is reached; see ``NodeRecord/url``.
    package var url: String
    /// Grows each time that a stream is claimed anew; of two that say they have the stream, the higher one is right.
    package var epoch: UInt64

    package init(stream: StreamName, node: NodeID, url: String, epoch: UInt64) {
        self.stream = stream
        self.node = node
        self.url = url
        self.epoch = epoch
    }
}

/// A publisher asks for a stream.
package struct ClaimRequest: Hashable, Sendable {
    /// How a publisher that another gateway has is treated; the same as one that is here.
    package enum Takeover: String, Sendable {
        /// The same holder replaces at once; anybody else when nothing has come of the old publisher for two seconds.
        case auto
        case replace
        case reject
    }

    package var stream: StreamName
    /// Who publishes, by a digest; never a secret.
    package var holder: String
    package var takeover: Takeover
    /// The highest epoch that is known of the stream; 0 where none is.
    package var epoch: UInt64

    package init(stream: StreamName, holder: String, takeover: Takeover, epoch: UInt64 = 0) {
        self.stream = stream
        self.holder = holder
        self.takeover = takeover
        self.epoch = epoch
    }
}

/// What became of a ``ClaimRequest``.
package enum ClaimAnswer: Hashable, Sendable {
    /// The stream is the asker's, under this epoch.
    case granted(epoch: UInt64)
    /// Another gateway has it.
    case held(by: NodeID)
}

/// A stream that a gateway has a publisher of, as it says so again and again.
package struct HeldStream: Hashable, Sendable {
    package var stream: StreamName
    /// Under which it was claimed; what was published while nobody could be asked has one more than was known.
    package var epoch: UInt64
    /// Who publishes; see ``ClaimRequest/holder``.
    package var holder: String
    /// Nothing has come of the publisher for two seconds.
    package var isSilent: Bool

    package init(stream: StreamName, epoch: UInt64, holder: String, isSilent: Bool = false) {
        self.stream = stream
        self.epoch = epoch
        self.holder = holder
        self.isSilent = isSilent
    }
}
