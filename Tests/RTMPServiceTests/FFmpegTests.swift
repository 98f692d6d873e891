import Foundation
import Gateway
import Logging
import Media
import RTMPService
import Testing

/// A real encoder, where one is installed.
@Suite("ffmpeg as a publisher", .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/ffmpeg")))
struct FFmpegTests {
    private func run(_ backend: RecordingBackend, arguments: [String]) async throws -> (status: Int32, log: String) {
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
            process.executableURL = URL(fileURLWithPath: "/usr/bin/ffmpeg")
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
}
