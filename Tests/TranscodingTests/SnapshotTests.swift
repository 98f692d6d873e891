import CFFmpeg
import Dispatch
import Media
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import Transcoding

@Suite("Snapshots")
struct SnapshotTests {
    /// The width and height that a JPEG file says it has (the frame header, SOF0).
    private func size(of file: [UInt8]) throws -> [Int] {
        #expect(file.starts(with: [0xFF, 0xD8]) && file.suffix(2) == [0xFF, 0xD9])
        let header = try #require(file.indices.dropLast(8).first { file[$0] == 0xFF && file[$0 + 1] == 0xC0 })
        return [
            Int(file[header + 7]) << 8 | Int(file[header + 8]), Int(file[header + 5]) << 8 | Int(file[header + 6]),
        ]
    }

    /// The colour in the middle of the upper half, as JPEG means it: brightness and two differences, 0 to 255.
    private func color(of file: [UInt8]) throws -> [Int] {
        let decoder = try #require(avcodec_find_decoder(AV_CODEC_ID_MJPEG))
        var context = avcodec_alloc_context3(decoder)
        var packet = av_packet_alloc()
        var frame = av_frame_alloc()
        defer {
            avcodec_free_context(&context)
            av_packet_free(&packet)
            av_frame_free(&frame)
        }
        let (coder, input, output) = (try #require(context), try #require(packet), try #require(frame))
        try TestCodecs.check(avcodec_open2(coder, decoder, nil), "mjpeg")
        try TestCodecs.check(av_new_packet(input, Int32(file.count)), "packet")
        try #require(input.pointee.data).update(from: file, count: file.count)
        try TestCodecs.check(avcodec_send_packet(coder, input), "send")
        try TestCodecs.check(avcodec_receive_frame(coder, output), "receive")
        let (x, y) = (Int(output.pointee.width) / 2, Int(output.pointee.height) / 4)
        return [
            Int(try #require(output.pointee.data.0)[y * Int(output.pointee.linesize.0) + x]),
            Int(try #require(output.pointee.data.1)[y / 2 * Int(output.pointee.linesize.1) + x / 2]),
            Int(try #require(output.pointee.data.2)[y / 2 * Int(output.pointee.linesize.2) + x / 2]),
        ]
    }

    private func film(_ encoder: String, bFrames: Int32 = 0) throws -> TestFilm {
        let options: [String: String] =
            switch encoder {
            case "libaom-av1": ["cpu-used": "8", "usage": "realtime", "lag-in-frames": "0"]
            case "libvpx", "libvpx-vp9": ["deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"]
            case "libx265": ["preset": "ultrafast", "x265-params": "log-level=none"]
            default: ["preset": "veryfast"]
            }
        return try TestFilm(encoder, count: 5, bFrames: bFrames, options: options)
    }

    @Test(arguments: ["libx264", "libx265", "libvpx", "libvpx-vp9", "libaom-av1"])
    func `a key frame of every codec becomes a JPEG file by itself`(encoder: String) throws {
        let film = try film(encoder)
        let file = try Snapshot.jpeg(of: film.frames[0], film.configuration, within: PictureBox())
        #expect(try size(of: file) == [160, 96])
        // JPEG has brightness from 0 to 255 where video has 16 to 235.
        let brightness = (TestFilm.brightness(ofPicture: 0) - 16) * 255 / 219
        for (value, expected) in zip(try color(of: file), [brightness, 128, 128]) {
            #expect(abs(value - expected) <= 6)
        }
        let half = try Snapshot.jpeg(of: film.frames[0], film.configuration, within: PictureBox(height: 48))
        #expect(try size(of: half) == [80, 48])
    }

    @Test func `a key frame that is held back for B-frames is shown all the same`() throws {
        let film = try film("libx264", bFrames: 3)
        let file = try Snapshot.jpeg(of: film.frames[0], film.configuration, within: PictureBox())
        #expect(try size(of: file) == [160, 96])
    }

    @Test func `colours of high definition become those of JPEG`() throws {
        // The same red as ITU-R BT.709 and BT.601 write it in video, and what it is in a JPEG file.
        let cases: [(space: AVColorSpace, luma: UInt8, blue: UInt8, red: UInt8)] = [
            (AVCOL_SPC_BT709, 63, 102, 240), (AVCOL_SPC_SMPTE170M, 81, 90, 240),
        ]
        for (space, luma, blue, red) in cases {
            var painted = Picture(width: 64, height: 64)
            painted.fill(x: 0, y: 0, width: 64, height: 64, .init(luma: luma, blue: blue, red: red))
            let picture = try #require(DecodedPicture(painted, time: 0))
            picture.frame.pointee.colorspace = space
            let seen = try color(of: try JPEGEncoder.encode(picture, quality: 100))
            for (value, expected) in zip(seen, [76, 85, 255]) { #expect(abs(value - expected) <= 4) }
        }
    }

    @Test func `a picture fits into its box, keeps its shape and is never made larger`() {
        func size(_ picture: (Int, Int), _ width: Int?, _ height: Int?) -> [Int] {
            let size = PictureBox(width: width, height: height).size(ofPicture: picture)
            return [size.width, size.height]
        }
        #expect(size((1_920, 1_080), nil, nil) == [1_920, 1_080])
        #expect(size((1_920, 1_080), 640, nil) == [640, 360])
        #expect(size((1_920, 1_080), nil, 360) == [640, 360])
        #expect(size((1_920, 1_080), 640, 640) == [640, 360])
        #expect(size((1_080, 1_920), 640, 640) == [360, 640])
        #expect(size((1_280, 720), 4_096, 4_096) == [1_280, 720])
        #expect(size((641, 361), nil, nil) == [640, 360])
        #expect(size((4_000, 16), 16, nil) == [16, 2])
        #expect(size((0, 0), 16, 16) == [2, 2])
        #expect(size((1, 1), nil, nil) == [2, 2])
    }

    @Test func `poorer quality makes smaller files`() throws {
        let film = try film("libx264")
        var decoder = try VideoDecoder(film.configuration)
        var pictures: [DecodedPicture] = []
        for frame in film.frames { pictures += try decoder.decode(frame) }
        let picture = try #require(pictures.last)
        let good = try JPEGEncoder.encode(picture, quality: 100)
        #expect(try JPEGEncoder.encode(picture, quality: 10).count < good.count)
    }

    @Test(arguments: ["libx264", "libx265", "libvpx", "libvpx-vp9", "libaom-av1"])
    func `a key frame that is damaged or cut short gives an error or a picture, and never a crash`(
        encoder: String
    ) throws {
        let film = try film(encoder)
        let whole = film.frames[0]
        var generator = SeededGenerator(seed: 11)
        var errors = 0
        for round in 0..<60 {
            var frame = whole
            if round % 2 == 0 {
                frame.payload = Array(whole.payload.prefix(whole.payload.count * round / 60))
            } else {
                for _ in 0..<8 {
                    let index = Int.random(in: 0..<frame.payload.count, using: &generator)
                    frame.payload[index] = UInt8.random(in: 0...255, using: &generator)
                }
            }
            do throws(TranscodingError) {
                let file = try Snapshot.jpeg(of: frame, film.configuration, within: PictureBox(width: 32))
                #expect(file.starts(with: [0xFF, 0xD8]))
            } catch {
                errors += 1
            }
        }
        #expect(errors > 0)
        #expect(throws: TranscodingError.self) {
            _ = try Snapshot.jpeg(of: whole, .opus(channels: 2), within: PictureBox())
        }
    }

    // MARK: Threads

    /// Lets pictures be made when a test says so.
    private final class Gate: Sendable {
        let begun = DispatchSemaphore(value: 0)
        let open = DispatchSemaphore(value: 0)
    }

    private static let frame = EncodedFrame(
        codec: .vp8, decodeTime: 0, presentationTime: 0, isKeyFrame: true, payload: [1])

    @Test func `two pictures are made at a time, a bounded number waits, and the next is refused`() {
        let gate = Gate()
        let maker = SnapshotMaker { _, _, box throws(TranscodingError) in
            gate.begun.signal()
            gate.open.wait()
            return [UInt8(box.width ?? 0)]
        }
        let made = Mutex<[UInt8]>([])
        let all = DispatchGroup()
        func ask(_ number: Int) -> Bool {
            all.enter()
            let isTaken = maker.make(of: Self.frame, .vp8, within: PictureBox(width: number)) { result in
                made.withLock { $0 += (try? result.get()) ?? [] }
                all.leave()
            }
            if !isTaken { all.leave() }
            return isTaken
        }
        for number in 0..<SnapshotMaker.maximumThreads { #expect(ask(number)) }
        for _ in 0..<SnapshotMaker.maximumThreads { gate.begun.wait() }
        let total = SnapshotMaker.maximumThreads + SnapshotMaker.maximumWaiting
        for number in SnapshotMaker.maximumThreads..<total { #expect(ask(number)) }
        #expect(!ask(total))
        for _ in 0..<total { gate.open.signal() }
        all.wait()
        #expect(made.withLock { $0.sorted() } == (0..<UInt8(total)).map { $0 })
        // Threads that have ended come again.
        gate.open.signal()
        #expect(ask(200))
        all.wait()
        #expect(made.withLock { $0.last } == 200)
    }

    @Test func `whoever asks for what cannot be decoded is told so`() async {
        let maker = SnapshotMaker()
        let result = await withCheckedContinuation { continuation in
            _ = maker.make(of: Self.frame, .vp8, within: PictureBox()) { continuation.resume(returning: $0) }
        }
        #expect(throws: TranscodingError.self) { try result.get() }
    }
}
