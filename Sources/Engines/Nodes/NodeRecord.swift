/// A gateway as the others know it.
package struct NodeRecord: Hashable, Sendable {
    package var id: NodeID
    /// Where its HTTP service is reached by other gateways, without a slash at the end: `http://10.0.0.7:8080`.
    package var url: String
    package var load: NodeLoad
    /// It takes no new sessions.
    package var isDraining: Bool

    package init(id: NodeID, url: String, load: NodeLoad = NodeLoad(), isDraining: Bool = false) {
        self.id = id
        self.url = url
        self.load = load
        self.isDraining = isDraining
    }
}

/// How busy a gateway is.
package struct NodeLoad: Hashable, Sendable {
    /// Publishers and viewers by WebRTC.
    package var sessions: Int
    /// Streams that are published there.
    package var streams: Int
    /// What it uses of its machine's processors, from 0 to 1, over the last seconds.
    package var processor: Double

    package init(sessions: Int = 0, streams: Int = 0, processor: Double = 0) {
        self.sessions = sessions
        self.streams = streams
        self.processor = processor
    }
}
