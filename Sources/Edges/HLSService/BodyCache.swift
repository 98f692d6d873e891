import HLS
import NIOCore

/// Bodies that were made lately: many players ask for the same at the same time.
struct BodyCache {
    private struct Key: Hashable {
        var name: ResourceName
        var directives: PlaylistDirectives
        /// Of playlists, which change; 0 for media.
        var version: Int
    }

    /// The newest parts and playlists of two renditions, and a little more.
    static let maximumCount = 24

    private var bodies: [Key: HLSAnswer] = [:]
    private var order: [Key] = []

    /// The answer as HTTP sends it; made once.
    ///
    /// - Parameters:
    ///   - answer: What the presentation says; `nil` is returned where that is to wait.
    ///   - name: What was asked for.
    ///   - directives: As they were asked for.
    ///   - presentation: In the state in which it answered.
    /// - Returns: The answer to send, or `nil` to wait.
    mutating func body(
        of answer: PresentationAnswer, _ name: ResourceName, _ directives: PlaylistDirectives,
        _ presentation: Presentation
    ) -> HLSAnswer? {
        switch answer {
        case .wait: return nil
        case .tooFarAhead: return .tooFarAhead
        case .notFound: return .notFound
        case .playlist(let text):
            // What was waited for does not change what is answered now.
            let directives = PlaylistDirectives(skips: directives.skips)
            return cached(Key(name: name, directives: directives, version: presentation.version)) {
                let tag = "\(presentation.playlistTag)\(directives.skips ? "-delta" : "")"
                return .playlist(
                    HLSPlaylist(body: ByteBuffer(string: text), compressed: Gzip.compress(text), tag: tag))
            }
        case .media(let pieces):
            return cached(Key(name: name, directives: PlaylistDirectives(), version: 0)) {
                var buffer = ByteBuffer()
                buffer.reserveCapacity(pieces.reduce(0) { $0 + $1.count })
                for piece in pieces { buffer.writeBytes(piece) }
                return .media(buffer)
            }
        }
    }

    private mutating func cached(_ key: Key, make: () -> HLSAnswer) -> HLSAnswer {
        if let body = bodies[key] { return body }
        let body = make()
        bodies[key] = body
        order.append(key)
        if order.count > Self.maximumCount { bodies[order.removeFirst()] = nil }
        return body
    }
}
