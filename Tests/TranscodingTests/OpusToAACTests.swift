import CFFmpeg
import Glibc
import Media
import TestSupport
import Testing

@testable import Transcoding

@Suite("Opus to AAC")
struct OpusToAACTests {
    /// Silence with a beep of 100 ms from second 1.
    private static func beep(_ time: Double) -> Float {
        (1.0..<1.1).contains(time) ? Float(sin(2 * .pi * 1_000 * time)) * 0.5 : 0
    }

    /// Packets of 20 ms as a browser sends them; each at the time at which its sound is heard.
    private func record(seconds: Double) throws -> [EncodedFrame] {
        var encoder = try OpusAudioEncoder(bitrate: 96_000)
        let lead = Double(encoder.lookahead) / 48_000
        return try (0..<Int(seconds * 50)).map { number in
            let time = Int64(number) * 20_000
            let samples = (0..<960).flatMap { index -> [Float] in
                let sample = Self.beep(Double(number) * 0.02 + Double(index) / 48_000 + lead)
                return [sample, sample]
            }
            return EncodedFrame(
                codec: .opus, decodeTime: time, presentationTime: time, isKeyFrame: true,
                payload: try encoder.encode(samples))
        }
    }

    private func convert(
        _ packets: some Sequence<EncodedFrame>, with converter: inout OpusToAACConverter
    )
        -> [EncodedFrame]
    {
        var frames: [EncodedFrame] = []
        for packet in packets { frames += converter.convert(packet) }
        return frames
    }

    /// Decodes `frames` as a player does; samples of the left channel with the microseconds at which they are heard.
    private func listen(
        to frames: [EncodedFrame], _ configuration: CodecConfiguration
    ) throws
        -> [(sample: Float, time: Int64)]
    {
        guard case .aac(let config) = configuration else { return [] }
        var decoder = try AACDecoder(audioSpecificConfig: config)
        var heard: [(sample: Float, time: Int64)] = []
        for frame in frames {
            try decoder.send(frame.payload, time: frame.decodeTime)
            while let audio = try decoder.receive() {
                let count = Int(audio.pointee.nb_samples)
                let plane = try #require(audio.pointee.extended_data?[0])
                plane.withMemoryRebound(to: Float.self, capacity: count) { samples in
                    for index in 0..<count {
                        heard.append((samples[index], frame.decodeTime + Int64(index) * 1_000_000 / 48_000))
                    }
                }
            }
        }
        return heard
    }

    /// The first time after which the next frame is not that of the next sample.
    private func hole(in frames: [EncodedFrame]) -> Int64? {
        zip(frames, frames.dropFirst()).first { abs($1.decodeTime - $0.decodeTime - 21_333) > 1 }?.0.decodeTime
    }

    @Test func `a beep is heard when it was heard in the Opus`() throws {
        var converter = try OpusToAACConverter()
        let frames = convert(try record(seconds: 2), with: &converter)
        let loud = try listen(to: frames, converter.configuration).filter { abs($0.sample) > 0.1 }
        #expect(abs(try #require(loud.first).time - 1_000_000) < 5_000)
        #expect(abs(try #require(loud.last).time - 1_100_000) < 5_000)
        let energy = loud.reduce(0) { $0 + $1.sample * $1.sample } / Float(loud.count)
        #expect(energy > 0.05)
        #expect(hole(in: frames) == nil)
        #expect(frames.count >= 91)
        let statistics = converter.statistics
        #expect(statistics == OpusToAACConverter.Statistics())
        guard case .aac(let config) = converter.configuration else { return }
        let parsed = try AudioSpecificConfig(parsing: config.span)
        #expect(parsed.objectType == 2 && parsed.sampleRate == 48_000 && parsed.channels == 2)
    }

    @Test func `losses and pauses are filled, so that frames follow each other without a hole`() throws {
        for (first, last) in [(20, 20), (20, 23), (20, 90)] {
            var converter = try OpusToAACConverter()
            let packets = try record(seconds: 4)
            let left = packets.indices.filter { !(first...last).contains($0) }.map { packets[$0] }
            let frames = convert(left, with: &converter)
            #expect(hole(in: frames) == nil)
            let concealed = converter.statistics.concealed
            #expect(concealed == UInt64((last - first + 1) * 960))
            let gaps = converter.statistics.gaps
            #expect(gaps == 0)
            if last < 50 {
                let loud = try listen(to: frames, converter.configuration).filter { abs($0.sample) > 0.1 }
                #expect(abs(try #require(loud.first).time - 1_000_000) < 5_000)
            }
        }
    }

    @Test func `after a pause that is too long the time jumps right, never back`() throws {
        var converter = try OpusToAACConverter()
        let packets = try record(seconds: 2).map { packet in
            var packet = packet
            if packet.decodeTime > 500_000 { packet.presentationTime += 30_000_000 }
            return packet
        }
        let frames = convert(packets, with: &converter)
        let gaps = converter.statistics.gaps
        #expect(gaps == 1)
        let steps = zip(frames, frames.dropFirst()).map { $1.decodeTime - $0.decodeTime }
        #expect(steps.allSatisfy { $0 >= 21_332 })
        #expect(steps.filter { $0 > 29_000_000 }.count == 1)
        let first = try #require(try listen(to: frames, converter.configuration).first { abs($0.sample) > 0.1 }).time
        #expect(abs(first - 31_000_000) < 5_000)
    }

    @Test func `a publisher's clock that runs slow or fast is followed without a jump`() throws {
        for factor in [0.999, 1.001] {
            var converter = try OpusToAACConverter()
            let packets = try record(seconds: 20).map { packet in
                var packet = packet
                packet.presentationTime = Int64(Double(packet.decodeTime) * factor)
                return packet
            }
            let frames = convert(packets, with: &converter)
            #expect(hole(in: frames) == nil)
            #expect(abs(try #require(frames.last).decodeTime - Int64(20e6 * factor)) < 90_000)
            let gaps = converter.statistics.gaps
            #expect(gaps == 0)
        }
    }

    @Test func `another publisher's times begin anew, and nothing of the one before is heard`() throws {
        var converter = try OpusToAACConverter()
        let packets = try record(seconds: 2)
        _ = convert(packets, with: &converter)
        converter.restart()
        let frames = convert(packets, with: &converter)
        #expect((frames.first?.decodeTime ?? .max) < 30_000)
        #expect(hole(in: frames) == nil)
        let loud = try listen(to: frames, converter.configuration).filter { abs($0.sample) > 0.1 }
        #expect(abs(try #require(loud.first).time - 1_000_000) < 5_000)
    }

    @Test func `packets that come again, late or damaged are counted and harm nothing`() throws {
        var converter = try OpusToAACConverter()
        var packets = try record(seconds: 2)
        var generator = SeededGenerator(seed: 5)
        for index in stride(from: 10, to: 40, by: 5) {
            packets[index].payload = packets[index].payload.map { _ in .random(in: 0...255, using: &generator) }
        }
        packets[11].payload = []
        let frames = convert(packets + packets.prefix(20), with: &converter)
        #expect(hole(in: frames) == nil)
        let statistics = converter.statistics
        #expect(statistics.undecodable >= 1)
        #expect(statistics.late >= 15)
        for _ in 0..<300 {
            packets[0].payload = (0..<Int.random(in: 0...400, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            packets[0].presentationTime = Int64.random(in: .min ... .max, using: &generator)
            _ = converter.convert(packets[0])
        }
    }

    @Test func `the transcoder works on its own thread`() async throws {
        let packets = try record(seconds: 1)
        let (frames, continuation) = AsyncStream.makeStream(of: EncodedFrame.self)
        let transcoder = OpusToAACTranscoder { continuation.yield($0) }
        let configuration = try transcoder.start()
        #expect(configuration.codec == .aac)
        for packet in packets { transcoder.write(packet) }
        var received: [EncodedFrame] = []
        for await frame in frames {
            received.append(frame)
            if received.count == 30 { break }
        }
        transcoder.stop()
        #expect(hole(in: received) == nil)
        #expect(transcoder.statistics.dropped == 0)
    }
}
