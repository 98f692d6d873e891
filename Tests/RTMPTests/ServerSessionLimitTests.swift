import Primitives
import RTMP
import TestSupport
import Testing

@Suite("What a server session puts up with")
struct ServerSessionLimitTests {
    private let peer = ServerHarness()

    @Test func `a slow handshake is given up after five seconds, however it trickles`() throws {
        try peer.receive([3])
        for _ in 0..<4 {
            peer.wait(.seconds(1))
            try peer.receive([UInt8](repeating: 0, count: 100))
        }
        #expect(peer.deadline == .zero + .seconds(5))
        try peer.advance(to: .zero + .milliseconds(4_999))
        #expect(peer.closed == nil)
        try peer.advance(to: .zero + .seconds(5))
        #expect(peer.closed == .handshakeTimedOut)
        #expect(peer.deadline == nil)
    }

    @Test func `a connection that never publishes is given up`() throws {
        try peer.connect()
        try peer.advance(to: .zero + .seconds(10))
        #expect(peer.closed == .publishTimedOut)
    }

    @Test func `the time we take to decide is not the publisher's fault`() throws {
        try peer.connect()
        try peer.publish()
        #expect(peer.deadline == nil)
        try peer.advance(to: .zero + .seconds(1_000))
        #expect(peer.closed == nil)
    }

    @Test func `a publisher that falls silent in the middle of a frame is pinged, then given up`() throws {
        try peer.goLive()
        try peer.video(SampleMedia.videoHeader, at: 0)
        try peer.receive([0x04, 0, 0, 0, 0, 1, 44, 9, 1, 0, 0, 0, 0x17])
        try peer.advance(to: .zero + .seconds(10))
        #expect(peer.sent.last?.payload.prefix(2) == [0, 6])
        #expect(peer.closed == nil)
        while let deadline = peer.deadline { try peer.advance(to: deadline) }
        #expect(peer.now == .zero + .seconds(30))
        #expect(peer.closed == .idle)
        #expect(peer.frames.isEmpty)
    }

    @Test func `answering pings does not replace media`() throws {
        try peer.goLive()
        for second in Int64(1)...40 where peer.closed == nil {
            try peer.advance(to: .zero + .seconds(second))
            try peer.send(RTMPMessage(type: .userControl, payload: [0, 7, 0, 0, 0, 0]))
        }
        #expect(peer.closed == .idle)
    }

    @Test func `media keeps a publisher alive`() throws {
        try peer.goLive()
        for second in Int64(1)...100 {
            try peer.advance(to: .zero + .seconds(second))
            try peer.audio(SampleMedia.audioFrame, at: UInt32(second * 1_000))
        }
        #expect(peer.closed == nil)
    }

    @Test func `a flood of commands is cut off`() throws {
        try peer.connect()
        for _ in 0..<200 where peer.closed == nil { try peer.command("_checkbw", 0, [.null]) }
        #expect(peer.closed == .commandFlood)
    }

    @Test func `a steady trickle of commands is not a flood`() throws {
        try peer.goLive()
        for second in Int64(1)...20 {
            try peer.advance(to: .zero + .seconds(second))
            try peer.audio(SampleMedia.audioFrame, at: 0)
            for _ in 0..<50 { try peer.command("_checkbw", 0, [.null]) }
        }
        #expect(peer.closed == nil)
    }

    @Test func `only so many message streams can be created`() throws {
        try peer.connect()
        for number in 3..<20 { try peer.command("createStream", Double(number), [.null]) }
        #expect(peer.commands.last?.first == .string("_error"))
        #expect(peer.commands.filter { $0.first == .string("_result") }.count == 1 + 8)
    }

    @Test func `an AMF nesting bomb ends the connection`() throws {
        try peer.handshake()
        let bomb = [2, 0, 1, 0x78, 0] + [UInt8](repeating: 0, count: 8)
        let levels = Array(repeatElement([3, 0, 1, 0x61] as [UInt8], count: 10_000).joined())
        try peer.send(RTMPMessage(type: .commandAMF0, payload: bomb + levels))
        #expect(peer.closed == .malformed(.limitExceeded(what: "AMF0 nesting")))
    }

    @Test func `a huge chunk ends the connection before it is stored`() throws {
        try peer.handshake()
        try peer.send(RTMPMessage(type: .setChunkSize, payload: [0x7F, 0xFF, 0xFF, 0xFF]))
        try peer.receive([0x04, 0, 0, 0, 0xFF, 0xFF, 0xFF, 9, 1, 0, 0, 0])
        #expect(peer.closed == .messageTooLarge(bytes: 0xFF_FFFF))
    }

    @Test(arguments: ["GET /live HTTP/1.1\r\nHost: x\r\n\r\n", "\u{16}\u{03}\u{01}\u{02}"])
    func `other protocols end the connection at once`(opening: String) throws {
        try peer.receive(Array(opening.utf8))
        guard case .unsupportedVersion? = peer.closed else { throw Unexpected() }
    }

    @Test func `garbage behind a sound handshake never traps`() throws {
        for seed in UInt64(0)..<200 {
            var generator = SeededGenerator(seed: seed)
            let peer = ServerHarness()
            try peer.handshake()
            let bytes = (0..<3_000).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            try peer.receive(bytes, pieces: 700)
        }
    }

    @Test func `a damaged session never traps`() throws {
        for seed in UInt64(0)..<200 {
            var generator = SeededGenerator(seed: seed)
            let peer = ServerHarness()
            try peer.goLive()
            for time in UInt32(0)..<20 {
                var body =
                    [SampleMedia.videoHeader, SampleMedia.keyFrame, SampleMedia.frame].randomElement(using: &generator)
                    ?? []
                body[Int.random(in: body.indices, using: &generator)] = .random(in: .min ... .max, using: &generator)
                try peer.video(body, at: time * 40)
            }
        }
    }
}
