import ICE
import Primitives
import TestSupport
import Testing

@Suite("Frames of a TCP stream, RFC 4571")
struct StreamDeframerTests {
    private static func frame(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }

    private static func receive(
        _ stream: [UInt8], by deframer: inout StreamDeframer
    ) throws(ParseError) -> [[UInt8]] {
        var bytes = stream
        var frames: [[UInt8]] = []
        var failure: ParseError?
        bytes.withUnsafeMutableBytes { buffer in
            do throws(ParseError) {
                try deframer.receive(buffer) { frames.append(Array($0)) }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return frames
    }

    @Test(arguments: [1, 2, 3, 7, 100, 1_200, 100_000])
    func `frames come out as they went in, however the stream is cut`(piece: Int) throws {
        var generator = SeededGenerator(seed: 4571)
        let frames = (0..<60).map { index in
            let length = index == 0 ? StreamDeframer.maximumFrameLength : Int.random(in: 1...1_400, using: &generator)
            return (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
        }
        let stream = frames.flatMap(Self.frame)
        var deframer = StreamDeframer()
        var received: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: piece) {
            received += try Self.receive(Array(stream[start..<min(start + piece, stream.count)]), by: &deframer)
        }
        #expect(received == frames)
    }

    @Test func `every truncation gives only the frames that are whole, and the rest completes them`() throws {
        let frames: [[UInt8]] = [[1], [2, 3, 4], Array(5...20)]
        let stream = frames.flatMap(Self.frame)
        for cut in 0...stream.count {
            var deframer = StreamDeframer()
            let early = try Self.receive(Array(stream[..<cut]), by: &deframer)
            #expect(early.elementsEqual(frames.prefix(early.count)))
            #expect(early.reduce(0) { $0 + $1.count + 2 } <= cut)
            #expect(early + (try Self.receive(Array(stream[cut...]), by: &deframer)) == frames)
        }
    }

    @Test(arguments: [[1], [1_000_000]])
    func `a frame that is too long ends the stream before anything of it is kept`(pieces: [Int]) throws {
        let length = StreamDeframer.maximumFrameLength + 1
        let stream = Self.frame([9]) + [UInt8(length >> 8), UInt8(truncatingIfNeeded: length)]
        var deframer = StreamDeframer()
        var position = 0
        #expect(throws: ParseError.limitExceeded(what: "frame length")) {
            while position < stream.count {
                let end = min(position + pieces[0], stream.count)
                _ = try Self.receive(Array(stream[position..<end]), by: &deframer)
                position = end
            }
        }
    }

    @Test func `frames without content are passed over`() throws {
        var deframer = StreamDeframer()
        #expect(try Self.receive([0, 0, 0, 1, 7, 0, 0], by: &deframer) == [[7]])
        #expect(try Self.receive([0], by: &deframer) == [])
        #expect(try Self.receive([0, 0, 1, 8], by: &deframer) == [[8]])
    }

    @Test func `datagrams may be changed where they are`() throws {
        var deframer = StreamDeframer()
        var bytes: [UInt8] = [0, 2, 1, 1, 0, 2, 5, 5]
        var seen: [[UInt8]] = []
        bytes.withUnsafeMutableBytes { buffer in
            try? deframer.receive(buffer) { frame in
                frame.initializeMemory(as: UInt8.self, repeating: 9)
                seen.append(Array(frame))
            }
        }
        #expect(seen == [[9, 9], [9, 9]])
        #expect(bytes == [0, 2, 9, 9, 0, 2, 9, 9])
    }
}
