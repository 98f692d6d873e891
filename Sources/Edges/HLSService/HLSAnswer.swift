package import HLS
package import NIOCore
package import Primitives

/// What HTTP answers to a request below `/hls/`.
package enum HLSAnswer: Sendable {
    case playlist(HLSPlaylist)
    /// Media, which never changes under its name.
    case media(ByteBuffer)
    /// Asks for what is more than two segments ahead.
    case tooFarAhead
    case notFound
    /// There is no such stream at the moment.
    case notPublishing
    /// Nothing came of what the request waited for.
    case timedOut
    /// Too many requests wait already.
    case overloaded
}

/// A playlist as it is sent, the same for all who ask for it at one time.
package struct HLSPlaylist: Sendable {
    package var body: ByteBuffer
    /// The same, compressed; `nil` when that made it no smaller.
    package var compressed: ByteBuffer?
    /// Without quotes; another whenever the playlist is.
    package var tag: String

    package init(body: ByteBuffer, compressed: ByteBuffer?, tag: String) {
        self.body = body
        self.compressed = compressed
        self.tag = tag
    }
}

/// What HTTP needs of HLS; tests answer in its place.
package protocol HLSSource: Sendable {
    /// Answers, perhaps after a while: when a blocked reload can be answered, or has waited for too long.
    func answer(_ name: ResourceName, directives: PlaylistDirectives, stream: StreamName) async -> HLSAnswer
}
