/// A viewer's standing request for events, and what it has been told.
struct EventStream {
    let id: String
    let queue: EventQueue
    /// Since it was made or last read anew.
    private var toldViewers: Int?
    private var toldLayers: [Int: [ViewerEvent.Layer]] = [:]
    private var nextHeartbeat: ContinuousClock.Instant

    /// An idle connection shows this often that it lives, so that nobody between takes it for dead.
    static let heartbeatInterval = Duration.seconds(15)
    /// Open streams of one session at most: a page needs one, and has another while it is being loaded anew.
    static let maximumPerSession = 4

    init(kinds: Set<ViewerEvent.Kind>, at now: ContinuousClock.Instant) {
        id = RandomID.make()
        queue = EventQueue(kinds)
        nextHeartbeat = now + Self.heartbeatInterval
    }

    /// Somebody reads from the start: whatever was told may have been lost with an earlier connection.
    mutating func restart(isActive: Bool) {
        toldViewers = nil
        toldLayers = [:]
        queue.post(isActive ? .active : .inactive)
    }

    /// Tells what has changed; call it about once a second.
    mutating func tell(viewers: Int, layers: [Int: [ViewerEvent.Layer]], at now: ContinuousClock.Instant) {
        if toldViewers != viewers {
            toldViewers = viewers
            queue.post(.viewerCount(viewers))
        }
        if !Self.isLike(toldLayers, layers) {
            toldLayers = layers
            queue.post(.layers(layers))
        }
        if now >= nextHeartbeat {
            nextHeartbeat = now + Self.heartbeatInterval
            queue.beat()
        }
    }

    private static func isLike(_ old: [Int: [ViewerEvent.Layer]], _ new: [Int: [ViewerEvent.Layer]]) -> Bool {
        old.count == new.count
            && old.allSatisfy { section, layers in
                guard let others = new[section], others.count == layers.count else { return false }
                return zip(layers, others).allSatisfy { $0.isLike($1) }
            }
    }
}
