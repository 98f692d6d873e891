import Logging
import Media
import MediaIO
import Nodes
import Primitives
import Testing

@testable import Gateway

/// A gateway on a media plane of its own, on a port of this machine that the system chose.
struct GatewayHarness {
    let gateway: Gateway
    private let plane: MediaPlane

    init(_ policy: GatewayPolicy = GatewayPolicy(), directory: (any NodeDirectory)? = nil) throws {
        let (events, report) = AsyncStream.makeStream(of: MediaEvent.self)
        plane = try Self.plane { report.yield($0) }
        gateway = Gateway(
            plane: plane,
            events: events,
            policy: policy,
            directory: directory,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// The system chooses a port for TCP, and somebody else may have the same one for UDP.
    private static func plane(events: @escaping @Sendable (MediaEvent) -> Void) throws -> MediaPlane {
        for _ in 0..<8 {
            if let plane = try? MediaPlane(configuration: .init(host: "127.0.0.1", port: 0), events: events) {
                return plane
            }
        }
        return try MediaPlane(configuration: .init(host: "127.0.0.1", port: 0), events: events)
    }

    func stop() { plane.stop() }

    /// Lets a publisher of frames in, with H.264 of this configuration and Opus.
    func publishFrames(
        _ configuration: CodecConfiguration,
        source: String = "rtmp",
        onEnd: @escaping @Sendable (IngestEnd) -> Void = { _ in },
        onKeyFrameRequest: @escaping @Sendable () -> Void = {}
    ) async throws -> FrameIngest {
        let ingest = try await gateway.ingest(
            stream: try Self.stream(),
            by: .loopback,
            source: source,
            onEnd: onEnd,
            onKeyFrameRequest: onKeyFrameRequest
        )
        ingest.configure(configuration)
        ingest.configure(.opus(channels: 2))
        await hear(ingest)
        return ingest
    }

    /// Does what the gateway does when a publisher has something to tell.
    func hear(_ ingest: FrameIngest) async { await gateway.hear(ingest.takeNews(), from: ingest) }

    func watch() async throws -> SessionAnswer {
        try await gateway.play(stream: try Self.stream(), offer: Array(Offers.viewer.utf8))
    }

    func publish(_ offer: String = Offers.publisher) async throws -> SessionAnswer {
        try await gateway.publish(
            stream: try Self.stream(), offer: Array(offer.utf8), by: .loopback, terms: SessionTerms())
    }

    /// What its publisher is shown when it has been watched for so long, each second with these figures.
    func warnings(
        after seconds: Int, figures: (LiveStream.Track, Int) -> MediaReport.Track
    ) async throws -> [IngestWarning] {
        let stream = try #require(await gateway.streams[Self.stream()])
        let now = ContinuousClock.now
        for second in 1...seconds {
            let byTrack = Dictionary(uniqueKeysWithValues: stream.tracks.map { ($0.id, figures($0, second)) })
            await gateway.watch(stream.name, figures: byTrack, at: now - .seconds(seconds - second))
        }
        return try await status().warnings
    }

    func status() async throws -> StreamStatus { try #require(await gateway.stream(try Self.stream())) }

    static func stream() throws -> StreamName { try #require(StreamName("cam")) }
}

/// Offers with one video section and, for publishers, an audio section.
enum Offers {
    static let fingerprint = (0..<32).map { _ in "5A" }.joined(separator: ":")

    static let viewer = offer("recvonly", sections: [video])
    /// Each section on a transport of its own.
    static let unbundledViewer = offer("recvonly", sections: [video, audio])
        .replacing("a=group:BUNDLE 0 1\r\n", with: "")
    static let publisher = offer("sendonly", sections: [video, audio])
    /// Three layers of a picture.
    static let simulcastPublisher = offer(
        "sendonly",
        sections: [
            video + [
                "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "a=rid:h send", "a=rid:m send",
                "a=rid:l send", "a=simulcast:send h;m;l",
            ], audio,
        ])
    static let deafPublisher = offer(
        "sendonly", sections: [video.filter { !$0.hasPrefix("a=rtcp-fb") }, audio])

    private static let video = [
        "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 H264/90000",
        "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", "a=rtcp-fb:96 nack pli",
    ]
    private static let audio = ["m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=rtpmap:111 opus/48000/2"]

    private static func offer(_ direction: String, sections: [[String]]) -> String {
        var lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
        lines.append("a=group:BUNDLE " + sections.indices.map { "\($0)" }.joined(separator: " "))
        for (index, section) in sections.enumerated() {
            lines.append(section[0])
            lines += [
                "c=IN IP4 0.0.0.0", "a=ice-ufrag:Rem0", "a=ice-pwd:remotepasswordremotepass",
                "a=fingerprint:sha-256 \(fingerprint)", "a=setup:actpass", "a=mid:\(index)", "a=\(direction)",
                "a=rtcp-mux",
            ]
            lines += section.dropFirst()
        }
        return lines.map { $0 + "\r\n" }.joined()
    }
}
