import Auth
import Foundation
import Gateway
import HTTPTypes
import HummingbirdTesting
import ISOBMFF
import NIOCore
import Primitives
import Synchronization
import Testing

@testable import HTTPService
@testable import Recording

/// Recordings in a directory of their own, and a recorder that notes what it was asked.
private final class FakeRecorder: RecordingService, Sendable {
    let archive: RecordingArchive
    private let active = Mutex<Set<StreamName>>([])
    private let path: String

    init(_ names: [String], bytes: [UInt8]) throws {
        path = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)").path
        archive = RecordingArchive(directory: path)
        for name in names {
            var recording = Recording(stream: try #require(StreamName(name)), unixMilliseconds: 1_790_000_000_123)
            recording.bytes = Int64(bytes.count)
            let file = URL(filePath: archive.path(of: recording))
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: file)
            recording.seconds = 1.5
            recording.isComplete = name != "live"
            var parts = RecordingParts(headerSize: 10, trackIdentifier: 1, timescale: 90_000)
            parts.index.entries = [.init(time: 0, offset: 10), .init(time: 90_000, offset: 400)]
            parts.end = Int64(bytes.count)
            parts.seconds = 1.5
            archive.begin(recording, parts)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func start(_ stream: StreamName) async throws(GatewayRefusal) {
        guard stream.description != "gone" else { throw GatewayRefusal(.notPublishing, "Nobody publishes.") }
        active.withLock { _ = $0.insert(stream) }
    }

    func stop(_ stream: StreamName) async -> Bool { active.withLock { $0.remove(stream) != nil } }
}

@Suite("Recordings by HTTP")
struct RecordingTests {
    private static let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    private static let id = "cam-20260921T141320123Z"
    private static let media = "/api/v1/recordings/\(id)/media.mp4"

    private func client(_ policy: AccessPolicy = AccessPolicy()) async throws -> Client {
        await Client(policy: policy, recordings: try FakeRecorder(["cam", "live", "other"], bytes: Self.bytes))
    }

    @Test func `recordings are listed, each with what it is`() async throws {
        let client = try await client()
        let all = try await client.send(.get, "/api/v1/recordings").object
        #expect((all["recordings"] as? [Any])?.count == 3)
        let one = try await client.send(.get, "/api/v1/recordings/\(Self.id)").object
        #expect(one["stream"] as? String == "cam")
        #expect(one["state"] as? String == "complete")
        #expect(one["startedAt"] as? String == "2026-09-21T14:13:20.123Z")
        #expect(one["durationSeconds"] as? Double == 1.5)
        #expect(one["bytes"] as? Int == 700_000)
        let page = try await client.send(.get, "/api/v1/recordings?stream=cam&limit=1").object
        #expect((page["recordings"] as? [Any])?.count == 1)
        try expectProblem(try await client.send(.get, "/api/v1/recordings?limit=0"), 400, "bad-limit")
        try expectProblem(try await client.send(.get, "/api/v1/recordings?stream=..%2F"), 400, "bad-stream-name")
    }

    @Test func `a recording is played by byte ranges`() async throws {
        let client = try await client()
        let playlist = try await client.send(.get, "/api/v1/recordings/\(Self.id)/index.m3u8")
        #expect(playlist.headers[.contentType] == "application/vnd.apple.mpegurl")
        #expect(
            playlist.text == """
                #EXTM3U
                #EXT-X-VERSION:7
                #EXT-X-TARGETDURATION:1
                #EXT-X-PLAYLIST-TYPE:EVENT
                #EXT-X-INDEPENDENT-SEGMENTS
                #EXT-X-MAP:URI="media.mp4",BYTERANGE="10@0"
                #EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:20.123Z
                #EXTINF:1.000,
                #EXT-X-BYTERANGE:390@10
                media.mp4
                #EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:21.123Z
                #EXTINF:0.500,
                #EXT-X-BYTERANGE:699600@400
                media.mp4

                """)
    }

    @Test func `a file comes whole or in part`() async throws {
        let client = try await client()
        let whole = try await client.send(.get, Self.media)
        #expect(whole.status == .ok)
        #expect(Array(whole.body.readableBytesView) == Self.bytes)
        #expect(whole.headers[.acceptRanges] == "bytes")
        let tag = try #require(whole.headers[.eTag])
        for (range, expected) in [
            ("bytes=0-0", 0..<1), ("bytes=100-299999", 100..<300_000), ("bytes=699999-", 699_999..<700_000),
            ("bytes=-5", 699_995..<700_000), ("bytes=5-99999999", 5..<700_000),
        ] {
            let part = try await client.send(.get, Self.media, [.range: range, .ifRange: tag])
            #expect(part.status == .partialContent)
            #expect(
                part.headers[.contentRange] == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/700000")
            #expect(Array(part.body.readableBytesView) == Array(Self.bytes[expected]))
        }
        let other = try await client.send(.get, Self.media, [.range: "bytes=0-0", .ifRange: "\"other\""])
        #expect(other.status == .ok)
        let beyond = try await client.send(.get, Self.media, [.range: "bytes=700000-"])
        try expectProblem(beyond, 416, "range-not-satisfiable")
        #expect(beyond.headers[.contentRange] == "bytes */700000")
        let head = try await client.send(.head, Self.media)
        #expect(head.headers[.contentLength] == "700000")
        #expect(head.body.readableBytes == 0)
    }

    @Test(arguments: [
        "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-1", "bytes=0-1,5-9", "items=0-1", "bytes=+1-5",
        "bytes=99999999999999999999-", "bytes=1--5",
    ])
    func `a range that makes no sense is not heard`(range: String) {
        #expect(ByteRange(range, size: 1_000) == nil)
    }

    @Test func `nothing but recordings can be reached`() async throws {
        let client = try await client()
        for id in ["..", "cam", "%2e%2e%2fcam", "cam-20260921T141320123Z.mp4", "-", "cam/20260921T141320123Z"] {
            let answer = try await client.send(.get, "/api/v1/recordings/\(id)/media.mp4")
            #expect(answer.status == .notFound, "\(id)")
        }
        try expectProblem(try await client.send(.delete, "/api/v1/recordings/.."), 404, "unknown-recording")
    }

    @Test func `a recording is removed, unless it is being written`() async throws {
        let client = try await client()
        try expectProblem(
            try await client.send(.delete, "/api/v1/recordings/live-20260921T141320123Z"), 409, "recording-active")
        #expect(try await client.send(.delete, "/api/v1/recordings/\(Self.id)").status == .noContent)
        try expectProblem(
            try await client.send(.get, "/api/v1/recordings/\(Self.id)"), 404, "unknown-recording")
        try expectProblem(try await client.send(.get, Self.media), 404, "unknown-recording")
    }

    @Test func `recordings are for administrators, also of one stream alone`() async throws {
        let client = try await client()
        for path in ["/api/v1/recordings", "/api/v1/recordings/\(Self.id)", Self.media] {
            let answer = try await client.send(.get, path, from: Client.elsewhere)
            #expect(answer.status == .unauthorized)
        }
        // Without permission nobody learns what there is.
        let unknown = try await client.send(.get, "/api/v1/recordings/none", from: Client.elsewhere)
        #expect(unknown.status == .unauthorized)
        let admin = try await client.token("cam", [.admin])
        #expect(try await client.send(.get, Self.media, from: Client.elsewhere, token: admin).status == .ok)
        let others = "/api/v1/recordings/other-20260921T141320123Z"
        #expect(try await client.send(.get, others, from: Client.elsewhere, token: admin).status == .forbidden)
        let player = try await client.token("*", [.play, .publish])
        #expect(try await client.send(.get, Self.media, from: Client.elsewhere, token: player).status == .forbidden)
    }

    @Test func `recording is begun and ended by hand`() async throws {
        let client = try await client()
        let path = "/api/v1/streams/cam/recording"
        try expectProblem(try await client.send(.delete, path), 404, "not-recording")
        #expect(try await client.send(.post, path).status == .noContent)
        #expect(try await client.send(.delete, path).status == .noContent)
        try expectProblem(
            try await client.send(.post, "/api/v1/streams/gone/recording"), 409, "stream-not-publishing")
        try expectProblem(try await client.send(.get, path), 405, "method-not-allowed")
        #expect(try await client.send(.post, path, from: Client.elsewhere).status == .unauthorized)
    }

    @Test func `a publisher's token may ask for a recording`() async throws {
        let client = try await client()
        let token = try await client.tokens.issue(
            stream: try #require(StreamPattern("cam")), permissions: [.publish], lifetime: .seconds(60), record: true)
        _ = try await client.send(
            .post, "/whip/cam", Client.sdp, body: "v=0", from: Client.elsewhere, token: token)
        let plain = try await client.token("cam", [.publish])
        _ = try await client.send(
            .post, "/whip/cam", Client.sdp, body: "v=0", from: Client.elsewhere, token: plain)
        #expect(client.gateway.calls.map(\.record) == [true, nil])
    }
}
