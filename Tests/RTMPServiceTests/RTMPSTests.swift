import Foundation
import Media
import NIOSSL
import Primitives
import RTMP
import RTMPService
import Testing
import TransportSecurity

@Suite("Publishing by RTMPS")
struct RTMPSTests {
    /// A listener with a certificate of its own, whose path is given to `body`.
    private func withService(
        _ backend: RecordingBackend, _ body: (_ port: UInt16, _ certificate: String) async throws -> Void
    ) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString).pem").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let pem = try #require(SelfSignedCertificate.pem(names: ["localhost"], addresses: []))
        try pem.write(toFile: path, atomically: true, encoding: .utf8)
        let identity = try TLSIdentity(certificate: path, key: path)
        try await RTMPServiceTests.withService(
            backend,
            configure: {
                $0.tls = identity
                $0.handshakeSeconds = 3600
                $0.limits.handshakeTimeout = .seconds(3600)
                $0.limits.publishTimeout = .seconds(3600)
            }
        ) { _, port in try await body(port, path) }
    }

    @Test func `frames arrive as they do without TLS`() async throws {
        let backend = RecordingBackend()
        try await withService(backend) { port, certificate in
            let url = try #require(RTMPURL("rtmps://localhost:\(port)/live/cam?token=t1"))
            let publisher = try await RTMPPublisher.connect(to: url, trust: .authority(path: certificate))
            publisher.configure(RTMPServiceTests.h264)
            publisher.write(RTMPServiceTests.key)
            await publisher.finish()
            try await publisher.waitForEnd()
            var events = backend.events.makeAsyncIterator()
            #expect(await events.next() == .requested(stream: "cam", credential: "t1", isLoopback: true))
            #expect(await events.next() == .configuration(RTMPServiceTests.h264))
            #expect(
                await events.next() == .frame(.h264, isKeyFrame: true, payload: RTMPServiceTests.key.payload))
            #expect(await events.next() == .finished)
        }
    }

    @Test func `a refusal reaches the publisher before the end`() async throws {
        try await withService(RecordingBackend { _ in "make a token" }) { port, _ in
            let url = try #require(RTMPURL("rtmps://localhost:\(port)/live/cam"))
            await #expect(
                throws: RTMPError.refusedByPeer(code: "NetStream.Publish.Denied", description: "make a token")
            ) { _ = try await RTMPPublisher.connect(to: url, trust: .anyone) }
        }
    }

    @Test func `a certificate that nobody vouches for is not trusted`() async throws {
        try await withService(RecordingBackend()) { port, _ in
            let url = try #require(RTMPURL("rtmps://localhost:\(port)/live/cam"))
            await #expect(throws: NIOSSLError.self) { _ = try await RTMPPublisher.connect(to: url) }
        }
    }

    @Test func `plain RTMP gets nowhere`() async throws {
        let backend = RecordingBackend()
        try await withService(backend) { port, _ in
            let url = try #require(RTMPURL("rtmp://127.0.0.1:\(port)/live/cam"))
            await #expect(throws: (any Error).self) { _ = try await RTMPPublisher.connect(to: url) }
        }
    }
}
