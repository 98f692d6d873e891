import Foundation
import Gateway
import Logging
import Media
import RTMPService
import Testing

/// A real encoder, where one is installed.
@Suite("ffmpeg as a publisher", .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/ffmpeg")))
struct FFmpegTests {
    /// An ffmpeg that knows Enhanced RTMP, where `make` has installed one beside the other test clients.
    private static let newFFmpeg: String? = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let environment = root.appending(path: ".venv/lib")
        for case let path as String in FileManager.default.enumerator(atPath: environment.path) ?? .init()
        where path.contains("imageio_ffmpeg/binaries/ffmpeg-") { return environment.appending(path: path).path }
        return nil
    }()

    private func run(
        _ backend: RecordingBackend,
        program: String = "/usr/bin/ffmpeg",
        arguments: [String]
    ) async throws -> (status: Int32, log: String) {
        var configuration = RTMPServiceConfiguration()
        configuration.host = "127.0.0.1"
        configuration.port = 0
        let service = RTMPService(
            configuration: configuration,
            backend: backend,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let port = try await service.bind()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            defer { group.cancelAll() }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments =
                ["-hide_banner", "-nostdin", "-loglevel", "info"]
                + arguments.map { $0.replacingOccurrences(of: "PORT", with: "\(port)") }
            // To a file: a pipe would have to be read by a thread of the pool that the service runs on.
            let log = FileManager.default.temporaryDirectory.appending(path: "martlet-ffmpeg-\(UUID().uuidString).log")
            _ = FileManager.default.createFile(atPath: log.path, contents: nil)
            defer { try? FileManager.default.removeItem(at: log) }
            process.standardError = try FileHandle(forWritingTo: log)
            process.standardOutput = FileHandle.nullDevice
            let status = try await withCheckedThrowingContinuation { (done: CheckedContinuation<Int32, any Error>) in
                process.terminationHandler = { done.resume(returning: $0.terminationStatus) }
                do { try process.run() } catch { done.resume(throwing: error) }
            }
            return (status, String(decoding: try Data(contentsOf: log), as: UTF8.self))
        }
    }

    private static let picture = ["-f", "lavfi", "-i", "testsrc=s=320x180:r=30:d=2"]
    private static let tone = ["-f", "lavfi", "-i", "sine=d=2"]

    @Test func `H_264 with AAC arrives whole`() async throws {
        let backend = RecordingBackend()
        let video = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30"]
        let output = ["-c:a", "aac", "-f", "flv", "rtmp://127.0.0.1:PORT/live/cam?token=x"]
        let (status, log) = try await run(backend, arguments: Self.picture + Self.tone + video + output)
        try #require(status == 0, "\(log)")

        var videoFrames = 0
        var keyFrames = 0
        var audioFrames = 0
        var configurations: Set<Codec> = []
        events: for await event in backend.events {
            switch event {
            case .requested(let stream, let credential, _): #expect(stream == "cam" && credential == "x")
            case .configuration(let configuration): configurations.insert(configuration.codec)
            case .frame(.h264, let isKeyFrame, _):
                videoFrames += 1
                keyFrames += isKeyFrame ? 1 : 0
            case .frame: audioFrames += 1
            case .warning(let code): Issue.record("warning \(code)")
            case .clockJump: Issue.record("a jump")
            case .finished: break events
            }
        }
        #expect(configurations == [.h264, .aac])
        #expect(videoFrames == 60 && keyFrames == 2)
        #expect((80...95).contains(audioFrames))
    }

    @Test func `MP3 is refused in words that ffmpeg prints`() async throws {
        let output = ["-c:a", "libmp3lame", "-ar", "44100", "-f", "flv", "rtmp://127.0.0.1:PORT/live/cam"]
        let (status, log) = try await run(RecordingBackend(), arguments: ["-re"] + Self.tone + output)
        #expect(status != 0 || log.contains("MP3 audio is not supported"), "\(log)")
        #expect(log.contains("MP3 audio is not supported"), "\(log)")
    }

    @Test func `a refusal is printed by ffmpeg`() async throws {
        let backend = RecordingBackend { _ in "make a token first" }
        let output = ["-c:a", "aac", "-f", "flv", "rtmp://127.0.0.1:PORT/live/cam"]
        let (status, log) = try await run(backend, arguments: Self.tone + output)
        #expect(status != 0)
        #expect(log.contains("make a token first"), "\(log)")
    }

    @Test(
        .enabled(if: newFFmpeg != nil),
        arguments: [
            (Codec.h265, ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "bframes=0:log-level=none"]),
            (.av1, ["-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "pred-struct=1"]),
            (.vp9, ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0"]),
        ]
    )
    func `Enhanced RTMP brings other video, and Opus`(codec: Codec, video: [String]) async throws {
        let backend = RecordingBackend()
        let program = try #require(Self.newFFmpeg)
        let output = [
            "-c:a", "libopus", "-ar", "48000", "-f", "flv", "-rtmp_enhanced_codecs", "hvc1,av01,vp09,Opus",
            "rtmp://127.0.0.1:PORT/live/cam",
        ]
        let (status, log) = try await run(
            backend,
            program: program,
            arguments: Self.picture + Self.tone + video + ["-g", "30"] + output
        )
        try #require(status == 0, "\(log)")
        var frames: [Codec: Int] = [:]
        var keyFrames = 0
        var configurations: Set<Codec> = []
        events: for await event in backend.events {
            switch event {
            case .requested: break
            case .configuration(let configuration): configurations.insert(configuration.codec)
            case .frame(let codec, let isKeyFrame, _):
                frames[codec, default: 0] += 1
                keyFrames += isKeyFrame && codec.kind == .video ? 1 : 0
            case .warning(let code): Issue.record("warning \(code)")
            case .clockJump: Issue.record("a jump")
            case .finished: break events
            }
        }
        #expect(configurations == [codec, .opus])
        #expect(frames[codec] == 60 && keyFrames == 2)
        #expect((95...105).contains(frames[.opus] ?? 0))
    }
}
