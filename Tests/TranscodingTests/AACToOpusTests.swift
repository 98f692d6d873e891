import Glibc
import Media
import Primitives
import TestSupport
import Testing

@testable import Transcoding

@Suite("AAC to Opus")
struct AACToOpusTests {
    /// Silence with a beep of 100 ms from second 1.
    private static func beep(_ time: Double) -> Float {
        (1.0..<1.1).contains(time) ? Float(sin(2 * .pi * 1_000 * time)) * 0.5 : 0
    }

    private func aac(_ payload: [UInt8], at time: Int64) -> EncodedFrame {
        EncodedFrame(codec: .aac, decodeTime: time, presentationTime: time, isKeyFrame: true, payload: payload)
    }

    private func convert(
        _ frames: some Sequence<(payload: [UInt8], time: Int64)>, with converter: inout AACToOpusConverter
    ) -> [EncodedFrame] {
        var packets: [EncodedFrame] = []
        for frame in frames { packets += converter.convert(aac(frame.payload, at: frame.time)) }
        return packets
    }

    /// Decodes `packets` as a viewer does; samples with the microseconds at which they are heard.
    private func listen(to packets: [EncodedFrame]) throws -> [(sample: Float, time: Int64)] {
        let decoder = try TestOpusDecoder()
        return try packets.flatMap { packet in
            try decoder.decode(packet.payload).enumerated().map { index, sample in
                (sample, packet.decodeTime + Int64(index) * 1_000_000 / 48_000)
            }
        }
    }

    @Test(arguments: [(48_000, 2), (44_100, 1), (32_000, 2), (48_000, 6)] as [(Int32, Int32)])
    func `a beep is heard when it was heard in the AAC`(rate: Int32, channels: Int32) throws {
        let recording = try AACRecording(seconds: 2, rate: rate, channels: channels, sound: Self.beep)
        var converter = try AACToOpusConverter(audioSpecificConfig: recording.audioSpecificConfig)
        let packets = convert(recording.frames, with: &converter)
        let loud = try listen(to: packets).filter { abs($0.sample) > 0.1 }
        let first = try #require(loud.first).time
        let last = try #require(loud.last).time
        #expect(abs(first - 1_000_000) < 5_000)
        #expect(abs(last - 1_100_000) < 5_000)
        let energy = loud.reduce(0) { $0 + $1.sample * $1.sample } / Float(loud.count)
        #expect(energy > 0.05)
        let statistics = converter.statistics
        #expect(statistics == AACToOpusConverter.Statistics())
    }

    @Test func `packets follow each other at exactly 20 ms although RTMP rounds times`() throws {
        let recording = try AACRecording(seconds: 3, rate: 44_100, channels: 2, sound: Self.beep)
        var converter = try AACToOpusConverter(audioSpecificConfig: recording.audioSpecificConfig)
        let rounded = recording.frames.map { (payload: $0.payload, time: $0.time / 1_000 * 1_000) }
        let packets = convert(rounded, with: &converter)
        #expect(packets.count > 140)
        for (earlier, later) in zip(packets, packets.dropFirst()) {
            #expect(abs(later.decodeTime - earlier.decodeTime - 20_000) <= 1)
        }
        for packet in packets {
            let header = try OpusPacketHeader(parsing: packet.payload.span)
            #expect(header.duration == 20_000)
            #expect(header.isStereo)
            #expect(packet.codec == .opus)
        }
        let rate = packets.reduce(0) { $0 + $1.payload.count } * 8 * 50 / packets.count
        #expect(rate < 120_000)
    }

    @Test func `after a gap the time jumps right and no silence fills it`() throws {
        let recording = try AACRecording(seconds: 2, rate: 48_000, channels: 2, sound: Self.beep)
        var converter = try AACToOpusConverter(audioSpecificConfig: recording.audioSpecificConfig)
        // Everything from half a second on comes five seconds later, the beep at six seconds with it.
        let late = recording.frames.map {
            (payload: $0.payload, time: $0.time + ($0.time > 500_000 ? 5_000_000 : 0))
        }
        let packets = convert(late, with: &converter)
        let gaps = converter.statistics.gaps
        #expect(gaps == 1)
        let steps = zip(packets, packets.dropFirst()).map { $1.decodeTime - $0.decodeTime }
        #expect(steps.allSatisfy { $0 >= 19_999 }, "time never goes back")
        #expect(steps.filter { $0 > 4_900_000 }.count == 1)
        #expect(packets.count < 105)
        let first = try #require(try listen(to: packets).first { abs($0.sample) > 0.1 }).time
        #expect(abs(first - 6_000_000) < 5_000)
    }

    @Test func `frames whose time has been filled already are left out`() throws {
        let recording = try AACRecording(seconds: 2, rate: 48_000, channels: 2, sound: Self.beep)
        var converter = try AACToOpusConverter(audioSpecificConfig: recording.audioSpecificConfig)
        let first = convert(recording.frames.prefix(40), with: &converter)
        let again = convert(recording.frames.prefix(20), with: &converter)
        let rest = convert(recording.frames.dropFirst(40), with: &converter)
        #expect(again.isEmpty)
        let late = converter.statistics.late
        #expect(late >= 19)
        let times = (first + rest).map(\.decodeTime)
        #expect(times == times.sorted())
    }

    @Test func `a hole of a few frames is filled at once when it is known`() throws {
        let recording = try AACRecording(seconds: 2, rate: 48_000, channels: 2, sound: Self.beep)
        var converter = try AACToOpusConverter(audioSpecificConfig: recording.audioSpecificConfig)
        let before = convert(recording.frames[..<20], with: &converter)
        converter.noteLoss()
        let packets = before + convert(recording.frames[23...], with: &converter)
        for (earlier, later) in zip(packets, packets.dropFirst()) {
            #expect(abs(later.decodeTime - earlier.decodeTime - 20_000) <= 1)
        }
        let first = try #require(try listen(to: packets).first { abs($0.sample) > 0.1 }).time
        #expect(abs(first - 1_000_000) < 5_000)
    }

    @Test func `damaged frames are counted and the next ones heard`() throws {
        let recording = try AACRecording(seconds: 2, rate: 48_000, channels: 2, sound: Self.beep)
        var converter = try AACToOpusConverter(audioSpecificConfig: recording.audioSpecificConfig)
        var generator = SeededGenerator(seed: 9)
        var frames = recording.frames
        for index in stride(from: 0, to: 30, by: 3) {
            frames[index].payload = frames[index].payload.map { _ in .random(in: 0...255, using: &generator) }
        }
        frames[31].payload = []
        let packets = convert(frames, with: &converter)
        let undecodable = converter.statistics.undecodable
        #expect(undecodable > 0)
        let first = try #require(
            try listen(to: packets).first { abs($0.sample) > 0.1 && $0.time > 900_000 }
        ).time
        #expect(abs(first - 1_000_000) < 10_000)
    }

    @Test func `frames of garbage of any length never trap`() throws {
        let recording = try AACRecording(seconds: 0.2, rate: 48_000, channels: 2, sound: Self.beep)
        var converter = try AACToOpusConverter(audioSpecificConfig: recording.audioSpecificConfig)
        var generator = SeededGenerator(seed: 10)
        for index in 0..<500 {
            let payload = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            for packet in converter.convert(aac(payload, at: Int64(index) * 21_333)) {
                #expect(packet.decodeTime >= 0)
            }
        }
    }

    @Test(arguments: [[], [0xFF, 0xFF, 0xFF], [UInt8](repeating: 0, count: 2_000)] as [[UInt8]])
    func `a configuration that makes no sense is a typed error at the start`(config: [UInt8]) {
        let transcoder = AACToOpusTranscoder(audioSpecificConfig: config) { _ in }
        #expect(throws: TranscodingError.self) { try transcoder.start() }
    }

    @Test func `the transcoder works on its own thread`() async throws {
        let recording = try AACRecording(seconds: 1, rate: 48_000, channels: 2, sound: Self.beep)
        let (packets, continuation) = AsyncStream.makeStream(of: EncodedFrame.self)
        let transcoder = AACToOpusTranscoder(audioSpecificConfig: recording.audioSpecificConfig) {
            continuation.yield($0)
        }
        try transcoder.start()
        for frame in recording.frames.prefix(AACToOpusTranscoder.queueLimit) {
            transcoder.write(aac(frame.payload, at: frame.time))
        }
        var received: [EncodedFrame] = []
        for await packet in packets {
            received.append(packet)
            if received.count == 30 { break }
        }
        transcoder.stop()
        #expect(received.map(\.codec) == Array(repeating: .opus, count: 30))
        #expect(transcoder.statistics.dropped == 0)
    }

    @Test func `a full queue forgets its oldest element, never its newest`() {
        let queue = BoundedQueue<Int>(limit: 3)
        for element in 0..<5 { queue.push(element) }
        #expect(queue.droppedCount == 2)
        let popped = (0..<3).compactMap { _ in queue.pop() }
        #expect(popped.map(\.element) == [2, 3, 4])
        #expect(popped.map(\.dropped) == [2, 2, 2])
    }

    @Test func `a closed queue gives nothing and takes nothing`() {
        let queue = BoundedQueue<Int>(limit: 3)
        queue.push(1)
        queue.close()
        queue.push(2)
        #expect(queue.pop()?.element == nil)
    }
}
