import Primitives
import RTMP
import TestSupport
import Testing

@Suite("Chunk streams, RTMP 1.0 section 5.3")
struct ChunkReaderTests {
    private func read(_ bytes: [UInt8], pieces: Int = .max, limits: RTMPLimits = RTMPLimits()) throws -> [RTMPMessage] {
        var reader = ChunkReader(limits: limits)
        var messages: [RTMPMessage] = []
        var offset = 0
        while offset < bytes.count {
            let end = min(bytes.count, pieces == .max ? bytes.count : offset + pieces)
            messages += try reader.receive(bytes.span.extracting(offset..<end))
            offset = end
        }
        return messages
    }

    private func write(_ messages: [RTMPMessage]) -> [UInt8] {
        var writer = ChunkWriter()
        var bytes = ByteWriter()
        for message in messages { writer.write(message, chunkStreamID: 4, to: &bytes) }
        return bytes.bytes
    }

    private func setChunkSize(_ size: UInt32) -> RTMPMessage {
        var writer = ByteWriter()
        writer.write(size)
        return RTMPMessage(type: .setChunkSize, payload: writer.bytes)
    }

    private func join(_ parts: [UInt8]...) -> [UInt8] {
        Array(parts.joined())
    }

    private func ramp(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    }

    @Test(arguments: [UInt32(1), 2, 3, 5, 64, 127, 128, 129, 299, 300, 301, 4_096, 65_536, 0x7FFF_FFFF])
    func `messages survive every chunk size, however the bytes are cut`(chunkSize: UInt32) throws {
        let messages = [
            setChunkSize(chunkSize),
            RTMPMessage(type: .audio, streamID: 1, timestamp: 20, payload: []),
            RTMPMessage(type: .video, streamID: 1, timestamp: 0xFF_FFFE, payload: ramp(300)),
            RTMPMessage(type: .video, streamID: 1, timestamp: 0xFF_FFFF, payload: ramp(300)),
            RTMPMessage(type: .audio, streamID: 0x0102_0304, timestamp: 0xFFFF_FFFF, payload: ramp(7)),
        ]
        let bytes = write(messages)
        for pieces in [1, 2, 3, 7, 100, Int.max] {
            #expect(try read(bytes, pieces: pieces) == messages)
        }
    }

    @Test func `a message cut short anywhere is not given out, and costs nothing`() throws {
        let bytes = write([RTMPMessage(type: .video, streamID: 1, timestamp: 0x0100_0000, payload: ramp(300))])
        for length in 0..<bytes.count {
            #expect(try read(Array(bytes[..<length])).isEmpty)
        }
        #expect(try read(bytes).count == 1)
    }

    @Test func `the four header types build on each other`() throws {
        let bytes: [UInt8] =
            [0x04, 0, 0, 100, 0, 0, 2, 8, 1, 0, 0, 0, 0xA0, 0xA1]  // type 0: at 100, 2 bytes of audio on stream 1
            + [0x44, 0, 0, 20, 0, 0, 1, 9, 0xB0]  // type 1: 20 later, 1 byte of video
            + [0x84, 0, 0, 30, 0xC0]  // type 2: 30 later, alike
            + [0xC4, 0xD0]  // type 3: 30 later again
        let messages = try read(bytes)
        #expect(messages.map(\.timestamp) == [100, 120, 150, 180])
        #expect(messages.map(\.type) == [.audio, .video, .video, .video])
        #expect(messages.map(\.streamID) == [1, 1, 1, 1])
        #expect(messages.map(\.payload) == [[0xA0, 0xA1], [0xB0], [0xC0], [0xD0]])
    }

    @Test func `type 3 behind type 0 adds the timestamp of type 0, section 5_3_1_2_4`() throws {
        let bytes: [UInt8] = [0x04, 0, 0, 40, 0, 0, 1, 8, 1, 0, 0, 0, 0xA0] + [0xC4, 0xA1]
        #expect(try read(bytes).map(\.timestamp) == [40, 80])
    }

    private static let basicHeaders: [(bytes: [UInt8], id: UInt32)] = [
        ([0x04], 4), ([0x00, 0], 64), ([0x00, 255], 319), ([0x01, 0, 1], 320), ([0x01, 0xFF, 0xFF], 65_599),
    ]

    @Test(arguments: basicHeaders)
    func `basic headers of one, two and three bytes name a chunk stream`(basic: [UInt8], id: UInt32) throws {
        // An abort of that very stream in the middle of its message proves that the id was understood.
        var bytes = ByteWriter()
        bytes.write(basic)
        bytes.write([0, 0, 0, 0, 0, 200, 9, 1, 0, 0, 0])
        bytes.write(ramp(128))
        bytes.write([0x02, 0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0])
        bytes.write(id)
        bytes.write(basic)
        bytes.write([0, 0, 0, 0, 0, 1, 9, 1, 0, 0, 0, 0x77])
        let messages = try read(bytes.bytes)
        #expect(messages.map(\.type) == [.abort, .video])
        #expect(messages.last?.payload == [0x77])
    }

    @Test func `messages of different chunk streams interleave`() throws {
        let video = ramp(300)
        let bytes = join(
            [0x06, 0, 0, 5, 0, 1, 44, 9, 1, 0, 0, 0],
            Array(video[..<128]),
            [0x04, 0, 0, 6, 0, 0, 3, 8, 1, 0, 0, 0, 1, 2, 3],
            [0xC6],
            Array(video[128..<256]),
            [0x44, 0, 0, 1, 0, 0, 1, 8, 9],
            [0xC6],
            Array(video[256...])
        )
        let messages = try read(bytes)
        #expect(messages.map(\.timestamp) == [6, 7, 5])
        #expect(messages.last?.payload == video)
    }

    @Test func `an extended timestamp is repeated on type 3, or is not`() throws {
        let payload = ramp(300)
        let header: [UInt8] = [0x04, 0xFF, 0xFF, 0xFF, 0, 1, 44, 9, 1, 0, 0, 0, 0x01, 0x02, 0x03, 0x04]
        let repeated: [UInt8] = [0xC4, 0x01, 0x02, 0x03, 0x04]
        let omitted: [UInt8] = [0xC4]
        for next in [repeated, omitted] {
            let bytes = join(
                header,
                Array(payload[..<128]),
                next,
                Array(payload[128..<256]),
                next,
                Array(payload[256...])
            )
            for pieces in [1, 2, 3, Int.max] {
                let messages = try read(bytes, pieces: pieces)
                #expect(messages.map(\.timestamp) == [0x0102_0304])
                #expect(messages.first?.payload == payload)
            }
        }
    }

    @Test func `payload that begins like the extended timestamp stays payload`() throws {
        var payload = ramp(140)
        payload.replaceSubrange(128..<131, with: [0x01, 0x02, 0x03])
        let header: [UInt8] = [0x04, 0xFF, 0xFF, 0xFF, 0, 0, 140, 9, 1, 0, 0, 0, 0x01, 0x02, 0x03, 0x04]
        let messages = try read(join(header, Array(payload[..<128]), [0xC4], Array(payload[128...])))
        #expect(messages.first?.payload == payload)
    }

    @Test func `an extended difference counts from the last timestamp`() throws {
        let bytes: [UInt8] =
            [0x04, 0, 0, 10, 0, 0, 1, 9, 1, 0, 0, 0, 0xA0]
            + [0x84, 0xFF, 0xFF, 0xFF, 0x01, 0, 0, 0, 0xA1]
        #expect(try read(bytes).map(\.timestamp) == [10, 0x0100_000A])
    }

    @Test func `timestamps wrap at 32 bits`() throws {
        let bytes: [UInt8] =
            [0x04, 0xFF, 0xFF, 0xFF, 0, 0, 1, 9, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xF0, 0xA0]
            + [0x84, 0, 0, 0x20, 0xA1]
        #expect(try read(bytes).map(\.timestamp) == [0xFFFF_FFF0, 0x10])
    }

    // MARK: - Limits

    @Test(arguments: [UInt32(0), 0x8000_0000, 0xFFFF_FFFF])
    func `a chunk size of zero or beyond 31 bits is refused`(size: UInt32) {
        var writer = ByteWriter()
        writer.write([0x02, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0])
        writer.write(size)
        #expect(throws: RTMPError.malformed(.invalid(field: "chunk size"))) { try read(writer.bytes) }
    }

    @Test func `a message longer than the limit is refused by its header`() {
        #expect(throws: RTMPError.messageTooLarge(bytes: 0xFF_FFFF)) {
            try read([0x04, 0, 0, 0, 0xFF, 0xFF, 0xFF, 9, 1, 0, 0, 0])
        }
        #expect(throws: RTMPError.messageTooLarge(bytes: 0x1_0001)) {
            try read([0x04, 0, 0, 0, 0x01, 0x00, 0x01, 20, 1, 0, 0, 0])
        }
    }

    @Test func `only so many chunk streams are kept`() throws {
        var bytes: [UInt8] = []
        for id in UInt8(3)..<35 { bytes += [id, 0, 0, 0, 0, 0, 1, 8, 1, 0, 0, 0, 0xAA] }
        #expect(try read(bytes).count == 32)
        #expect(throws: RTMPError.tooManyChunkStreams) {
            try read(bytes + [35, 0, 0, 0, 0, 0, 1, 8, 1, 0, 0, 0, 0xAA])
        }
    }

    @Test func `unfinished messages together stay within a bound`() {
        var limits = RTMPLimits()
        limits.maximumBufferedBytes = 1_000
        var bytes: [UInt8] = []
        for id in UInt8(3)..<12 { bytes += [id, 0, 0, 0, 0, 1, 44, 9, 1, 0, 0, 0] + ramp(128) }
        #expect(throws: RTMPError.tooMuchBuffered) { try read(bytes, limits: limits) }
    }

    @Test func `an aborted message gives its bytes back`() throws {
        var limits = RTMPLimits()
        limits.maximumBufferedBytes = 300
        var bytes: [UInt8] = []
        for _ in 0..<10 {
            bytes += [0x04, 0, 0, 0, 0, 1, 44, 9, 1, 0, 0, 0] + ramp(128)
            bytes += [0x02, 0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 4]
        }
        #expect(try read(bytes, limits: limits).count == 10)
    }

    @Test func `a header that leans on none before it is refused`() {
        for first in [UInt8(0x84), 0xC4] {
            #expect(throws: RTMPError.malformed(.invalid(field: "chunk header without a predecessor"))) {
                try read([first, 0, 0, 0])
            }
        }
    }

    @Test func `a full header in the middle of a message is refused`() {
        let bytes: [UInt8] = [0x04, 0, 0, 0, 0, 1, 44, 9, 1, 0, 0, 0] + ramp(128)
        #expect(throws: RTMPError.malformed(.invalid(field: "chunk header inside a message"))) {
            try read(bytes + bytes)
        }
    }

    @Test func `random bytes end in messages or an error, never in a trap`() {
        for seed in UInt64(0)..<400 {
            var generator = SeededGenerator(seed: seed)
            let bytes = (0..<2_000).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            _ = try? read(bytes, pieces: Int.random(in: 1...500, using: &generator))
        }
    }

    @Test func `damaged chunks end in messages or an error, never in a trap`() {
        let sound = write((0..<5).map { RTMPMessage(type: .video, timestamp: $0 << 22, payload: ramp(200)) })
        for seed in UInt64(0)..<400 {
            var generator = SeededGenerator(seed: seed)
            var bytes = sound
            for _ in 0..<3 {
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: .min ... .max, using: &generator)
            }
            _ = try? read(bytes)
        }
    }
}
