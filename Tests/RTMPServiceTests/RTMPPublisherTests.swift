import Gateway
import Logging
import Media
import RTMP
import RTMPService
import Testing

@Suite("Publishing by RTMP")
struct RTMPPublisherTests {
    @Test func `frames arrive, and a good end is heard`() async throws {
        let backend = RecordingBackend()
        try await RTMPServiceTests.withService(backend) { _, port in
            let url = try #require(RTMPURL("rtmp://127.0.0.1:\(port)/live/cam?token=t1"))
            let publisher = try await RTMPPublisher.connect(to: url)
            publisher.configure(RTMPServiceTests.h264)
            publisher.write(RTMPServiceTests.key)
            await publisher.finish()
            try await publisher.waitForEnd()
            var events = backend.events.makeAsyncIterator()
            #expect(await events.next() == .requested(stream: "cam", credential: "t1", isLoopback: true))
            #expect(await events.next() == .configuration(RTMPServiceTests.h264))
            #expect(
                await events.next() == .frame(.h264, isKeyFrame: true, payload: RTMPServiceTests.key.payload)
            )
            #expect(await events.next() == .finished)
        }
    }

    @Test func `a refusal is thrown in the server's words`() async throws {
        try await RTMPServiceTests.withService(RecordingBackend { _ in "make a token" }) { _, port in
            let url = try #require(RTMPURL("rtmp://127.0.0.1:\(port)/live/cam"))
            await #expect(
                throws: RTMPError.refusedByPeer(code: "NetStream.Publish.Denied", description: "make a token")
            ) { _ = try await RTMPPublisher.connect(to: url) }
        }
    }

    @Test func `being taken over is thrown to whom waits for the end`() async throws {
        let backend = RecordingBackend()
        try await RTMPServiceTests.withService(backend) { _, port in
            let url = try #require(RTMPURL("rtmp://127.0.0.1:\(port)/live/cam"))
            let publisher = try await RTMPPublisher.connect(to: url)
            backend.end(.superseded)
            await #expect(throws: RTMPError.self) { try await publisher.waitForEnd() }
        }
    }

    @Test func `nobody listening is an error`() async throws {
        // A port that was free a moment ago.
        let port = try await RTMPServiceTests.withService(RecordingBackend()) { _, port in port }
        let url = try #require(RTMPURL("rtmp://127.0.0.1:\(port)/live/cam"))
        await #expect(throws: (any Error).self) { _ = try await RTMPPublisher.connect(to: url) }
    }
}
