import Gateway
import Media
import NIOCore
import Primitives
import RTMP
import RTMPService
import Testing

@Suite("Publishers whose media is not as it should be")
struct BrokenMediaTests {
    private func frame(at time: Int64, isKeyFrame: Bool = false) -> EncodedFrame {
        EncodedFrame(
            codec: .h264,
            decodeTime: time,
            presentationTime: time,
            isKeyFrame: isKeyFrame,
            payload: [0, 0, 0, 2, isKeyFrame ? 0x65 : 0x41, 0x88]
        )
    }

    @Test func `a publisher that stops in the middle of a frame has ended, and half a frame goes nowhere`() async throws
    {
        let backend = RecordingBackend()
        try await RTMPServiceTests.withService(backend) { service, port in
            let publisher = try await TestPublisher.connect(port: port, path: "live/cam")
            var heard = publisher.events.makeAsyncIterator()
            #expect(await heard.next() == .publishing)
            try await publisher.apply { session in
                session.configure(RTMPServiceTests.h264)
                session.write(RTMPServiceTests.key)
            }
            // Chunk stream 6, a video message of 60,000 bytes on message stream 1, of which 50 come.
            let header: [UInt8] = [0x06, 0, 0, 40, 0x00, 0xEA, 0x60, 0x09, 1, 0, 0, 0]
            let half = ByteBuffer(bytes: header + [0x27, 1, 0, 0, 0] + [UInt8](repeating: 7, count: 45))
            try await publisher.channel.writeAndFlush(half)
            try await publisher.channel.close()
            var events = backend.events.makeAsyncIterator()
            var seen: [RecordingBackend.Event] = []
            while let event = await events.next() {
                seen.append(event)
                if event == .finished { break }
            }
            #expect(seen.count { if case .frame = $0 { true } else { false } } == 1)
            // The next one is let in as if nothing had been.
            let next = try await TestPublisher.connect(port: port, path: "live/cam")
            var heardByNext = next.events.makeAsyncIterator()
            #expect(await heardByNext.next() == .publishing)
            try await next.channel.close()
        }
    }

    @Test func `timestamps that jump and go back are carried on and counted`() async throws {
        let backend = RecordingBackend()
        try await RTMPServiceTests.withService(backend) { _, port in
            let publisher = try await TestPublisher.connect(port: port, path: "live/cam")
            var heard = publisher.events.makeAsyncIterator()
            #expect(await heard.next() == .publishing)
            try await publisher.apply { session in
                session.configure(RTMPServiceTests.h264)
                for time: Int64 in [0, 40_000, 3_600_000_000, 3_600_040_000, 20_000, 60_000] {
                    session.write(frame(at: time, isKeyFrame: time == 0))
                }
                session.finish()
            }
            var jumps = 0
            for await event in backend.events {
                if event == .clockJump { jumps += 1 }
                if event == .finished { break }
            }
            #expect(backend.decodeTimes.count == 6)
            #expect(zip(backend.decodeTimes, backend.decodeTimes.dropFirst()).allSatisfy { $0 <= $1 })
            #expect(try #require(backend.decodeTimes.last) < 10_000_000)
            #expect(jumps > 0)
        }
    }

    @Test func `a picture that changes its size is followed`() async throws {
        let backend = RecordingBackend()
        let other = CodecConfiguration.h264(sps: [[0x67, 0x42, 0xC0, 0x1F, 0xD9]], pps: [[0x68, 0xCE, 0x3C, 0x80]])
        try await RTMPServiceTests.withService(backend) { _, port in
            let publisher = try await TestPublisher.connect(port: port, path: "live/cam")
            var heard = publisher.events.makeAsyncIterator()
            #expect(await heard.next() == .publishing)
            try await publisher.apply { session in
                session.configure(RTMPServiceTests.h264)
                session.write(frame(at: 0, isKeyFrame: true))
                session.configure(other)
                session.write(frame(at: 40_000, isKeyFrame: true))
                session.finish()
            }
            var configurations: [CodecConfiguration] = []
            for await event in backend.events {
                if case .configuration(let configuration) = event { configurations.append(configuration) }
                if event == .finished { break }
            }
            #expect(configurations == [RTMPServiceTests.h264, other])
        }
    }
}
