import Gateway
import Primitives

/// What a path of the gateway stands for.
enum Route: Equatable {
    case endpoint(SessionKind, StreamName)
    case session(SessionKind, StreamName, String)
    case layer(StreamName, String)
    case events(StreamName, String)
    case eventStream(StreamName, String, String)
    case home
    case player(StreamName)
    case publisher(StreamName)
    case roomPage(StreamName)
    case asset(String)
    /// A playlist or media of a stream, with what stands behind `~` where the path is signed.
    case hls(StreamName, signed: String?, file: String)
    case streams
    case stream(StreamName)
    case streamStatistics(StreamName)
    case viewers(StreamName)
    case snapshot(StreamName)
    /// Starts and ends the recording of a stream.
    case recorder(StreamName)
    case recordings
    case recording(String)
    case recordingPlaylist(String)
    case recordingMedia(String)
    case revocations
    case webhookDeliveries
    case webhookDelivery(String)
    case webhookReplay(String)
    case nodes
    case rooms
    case room(StreamName)
    case participant(StreamName, String)
    case signaling
    /// Signaling without WebSocket: what the gateway says, and what a connection's client says.
    case signalingEvents
    case signalingConnection(String)
    case metrics
    case live
    case ready

    /// Reads the path of a request, without its query.
    ///
    /// Nothing is decoded: every path of the gateway is made of letters that need no escape.
    init(path: String) throws(Problem) {
        let parts = path.split(separator: "/" as Character, omittingEmptySubsequences: false)
            .dropFirst().map(String.init)
        switch (parts.first ?? "", parts.count) {
        case ("", 1): self = .home
        case ("whip", 2): self = .endpoint(.publisher, try Self.stream(parts[1]))
        case ("whep", 2): self = .endpoint(.viewer, try Self.stream(parts[1]))
        case ("whip", 3): self = .session(.publisher, try Self.stream(parts[1]), parts[2])
        case ("whep", 3): self = .session(.viewer, try Self.stream(parts[1]), parts[2])
        case ("whep", 4) where parts[3] == "layer": self = .layer(try Self.stream(parts[1]), parts[2])
        case ("whep", 4) where parts[3] == "events": self = .events(try Self.stream(parts[1]), parts[2])
        case ("whep", 5) where parts[3] == "events":
            self = .eventStream(try Self.stream(parts[1]), parts[2], parts[4])
        case ("hls", 3): self = .hls(try Self.stream(parts[1]), signed: nil, file: parts[2])
        case ("hls", 4) where parts[2].hasPrefix("~"):
            self = .hls(try Self.stream(parts[1]), signed: String(parts[2].dropFirst()), file: parts[3])
        case ("play", 2): self = .player(try Self.stream(parts[1]))
        case ("publish", 2): self = .publisher(try Self.stream(parts[1]))
        case ("room", 2): self = .roomPage(try Self.stream(parts[1]))
        case ("assets", 2): self = .asset(parts[1])
        case ("assets", 3) where parts[1] == "sdk": self = .asset("sdk/\(parts[2])")
        case ("metrics", 1): self = .metrics
        case ("health", 2) where parts[1] == "live": self = .live
        case ("health", 2) where parts[1] == "ready": self = .ready
        case ("api", 4) where parts[1] == "v1" && parts[2] == "tokens" && parts[3] == "revocations":
            self = .revocations
        case ("signaling", 1): self = .signaling
        case ("signaling", 2) where parts[1] == "events": self = .signalingEvents
        case ("signaling", 3) where parts[1] == "connections": self = .signalingConnection(parts[2])
        case ("api", 3) where parts[1] == "v1" && parts[2] == "nodes": self = .nodes
        case ("api", 3...) where parts[1] == "v1" && parts[2] == "rooms": self = try Self.rooms(parts.dropFirst(3))
        case ("api", 3...) where parts[1] == "v1" && parts[2] == "streams": self = try Self.api(parts.dropFirst(3))
        case ("api", 3...) where parts[1] == "v1" && parts[2] == "recordings":
            self = try Self.recordings(parts.dropFirst(3))
        case ("api", 4...) where parts[1] == "v1" && parts[2] == "webhooks" && parts[3] == "deliveries":
            self = try Self.webhooks(parts.dropFirst(4))
        default: throw .notFound
        }
    }

    private static func webhooks(_ parts: ArraySlice<String>) throws(Problem) -> Route {
        guard let id = parts.first else { return .webhookDeliveries }
        switch (parts.count, parts.last) {
        case (1, _): return .webhookDelivery(id)
        case (2, "replay"): return .webhookReplay(id)
        default: throw .notFound
        }
    }

    private static func rooms(_ parts: ArraySlice<String>) throws(Problem) -> Route {
        guard let name = parts.first else { return .rooms }
        let room = try stream(name)
        switch parts.count {
        case 1: return .room(room)
        case 3 where parts[parts.startIndex + 1] == "participants": return .participant(room, parts[parts.endIndex - 1])
        default: throw .notFound
        }
    }

    private static func recordings(_ parts: ArraySlice<String>) throws(Problem) -> Route {
        guard let id = parts.first else { return .recordings }
        switch (parts.count, parts.last) {
        case (1, _): return .recording(id)
        case (2, "index.m3u8"): return .recordingPlaylist(id)
        case (2, RecordingRoutes.mediaName): return .recordingMedia(id)
        default: throw .notFound
        }
    }

    private static func api(_ parts: ArraySlice<String>) throws(Problem) -> Route {
        switch parts.count {
        case 0: return .streams
        case 1: return .stream(try stream(parts.first ?? ""))
        case 2 where parts.last == "stats": return .streamStatistics(try stream(parts.first ?? ""))
        case 2 where parts.last == "sessions": return .viewers(try stream(parts.first ?? ""))
        case 2 where parts.last == SnapshotRoutes.fileName: return .snapshot(try stream(parts.first ?? ""))
        case 2 where parts.last == "recording": return .recorder(try stream(parts.first ?? ""))
        default: throw .notFound
        }
    }

    private static func stream(_ text: String) throws(Problem) -> StreamName {
        guard let name = StreamName(text) else { throw .badStreamName }
        return name
    }

    /// The methods it understands, for `Allow`.
    var methods: [String] {
        switch self {
        case .endpoint: ["GET", "HEAD", "OPTIONS", "POST"]
        case .session: ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH"]
        case .layer, .events, .revocations, .webhookReplay, .signalingConnection: ["OPTIONS", "POST"]
        case .participant: ["DELETE", "OPTIONS"]
        case .eventStream, .recording, .room: ["DELETE", "GET", "HEAD", "OPTIONS"]
        case .recorder: ["DELETE", "OPTIONS", "POST"]
        default: ["GET", "HEAD", "OPTIONS"]
        }
    }
}
