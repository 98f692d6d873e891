/// A viewer as the API shows it.
package struct ViewerStatus: Sendable, Codable, Equatable {
    /// The way its media take.
    package struct Path: Sendable, Codable, Equatable {
        /// `ipv4` or `ipv6`.
        package var family: String
        /// `udp` or `tcp`.
        package var transport: String

        package init(family: String, transport: String) {
            self.family = family
            self.transport = transport
        }
    }

    package var id: String
    /// When its offer came, as an ISO 8601 date.
    package var since: String
    package var isConnected: Bool
    /// Whether it is another gateway, with viewers of its own.
    package var isNodeLink: Bool
    /// `nil` before a pair of addresses worked.
    package var path: Path?
    /// What the path carries, in bits per second; `nil` while nothing limits the viewer.
    package var estimate: Int?
    /// Why the estimate is not higher: `delay`, `loss`, `application` (no more was sent) or `cap` (no more was asked for).
    package var limitedBy: String?
    package var roundTripSeconds: Double?
    /// The part of packets lost lately, 0 to 1.
    package var loss: Double?
    /// The name of the layer that is sent; `nil` where there is one only.
    package var layer: String?
    /// Whether the path cannot carry the picture, so that there is sound alone.
    package var isPaused: Bool

    package init(
        id: String, since: String, isConnected: Bool = false, isNodeLink: Bool = false, path: Path? = nil,
        estimate: Int? = nil,
        limitedBy: String? = nil, roundTripSeconds: Double? = nil, loss: Double? = nil, layer: String? = nil,
        isPaused: Bool = false
    ) {
        self.id = id
        self.since = since
        self.isConnected = isConnected
        self.isNodeLink = isNodeLink
        self.path = path
        self.estimate = estimate
        self.limitedBy = limitedBy
        self.roundTripSeconds = roundTripSeconds
        self.loss = loss
        self.layer = layer
        self.isPaused = isPaused
    }
}

/// Some of a stream's viewers, in the order of their names.
package struct ViewerPage: Sendable, Codable, Equatable {
    package var sessions: [ViewerStatus]
    /// After which name to ask on; `nil` when there are no more.
    package var next: String?

    package init(sessions: [ViewerStatus], next: String? = nil) {
        self.sessions = sessions
        self.next = next
    }
}
