import Logging
import Media
import Synchronization
import Testing

@testable import HLSService

@Suite("What players of HLS take in place of VP8")
struct PlayableFramesTests {
    /// Notes what comes out: codecs of configurations in lower case, of frames in upper case.
    private final class Output: FrameReader {
        private let heard = Mutex<[String]>([])
        var notes: [String] { heard.withLock { $0 } }

        func receive(_ event: FrameEvent) {
            let note =
                switch event {
                case .began(let epoch): "began \(epoch.number)"
                case .configured(let configuration): configuration.codec.rawValue.lowercased()
                case .frame(let frame): frame.codec.rawValue.uppercased()
                case .clock: "clock"
                case .ended: "ended"
                case .closed: "closed"
                }
            heard.withLock { $0.append(note) }
        }
    }

    private let output = Output()

    private func frames(_ changes: Counter) -> PlayableFrames {
        PlayableFrames(output: output, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) {
            changes.add()
        }
    }

    private final class Counter: Sendable {
        private let number = Mutex(0)
        var count: Int { number.withLock { $0 } }
        func add() { number.withLock { $0 += 1 } }
    }

    private func frame(_ codec: Codec) -> FrameEvent {
        .frame(EncodedFrame(codec: codec, decodeTime: 0, presentationTime: 0, isKeyFrame: true, payload: [1]))
    }

    private func began(_ number: UInt64) -> FrameEvent {
        .began(PublishEpoch(number: number, unixNanosecondsAtZero: 0, kinds: [.video]))
    }

    private let h264 = FrameEvent.configured(.h264(sps: [[0x67]], pps: [[0x68]]))

    @Test func `VP8 is asked for as H.264, once, and that takes its place`() {
        let counter = Counter()
        let frames = frames(counter)
        for event in [began(5), .configured(.vp8), frame(.vp8), .configured(.vp8), frame(.vp8)] {
            frames.receive(event)
        }
        #expect(counter.count == 1 && frames.isReplaced)
        for event in [began(5), h264, frame(.h264)] { frames.receiveReplacement(event) }
        #expect(output.notes == ["began 5", "h264", "H264"])
    }

    @Test func `what is made of another publisher is left out`() {
        let frames = frames(Counter())
        for event in [began(5), .configured(.vp8)] { frames.receive(event) }
        for event in [began(4), h264, frame(.h264)] { frames.receiveReplacement(event) }
        #expect(output.notes == ["began 5"])
        for event in [FrameEvent.ended, began(6), .configured(.vp8)] { frames.receive(event) }
        for event in [frame(.h264), began(6), h264, frame(.h264)] { frames.receiveReplacement(event) }
        #expect(output.notes == ["began 5", "ended", "began 6", "h264", "H264"])
    }

    @Test func `where it is refused VP8 goes out as it is, and the next publisher asks again`() {
        let counter = Counter()
        let frames = frames(counter)
        for event in [began(5), .configured(.vp8), frame(.vp8)] { frames.receive(event) }
        frames.refuseReplacement()
        frames.receive(frame(.vp8))
        frames.receiveReplacement(frame(.h264))
        #expect(output.notes == ["began 5", "vp8", "VP8"])
        for event in [began(6), .configured(.vp8)] { frames.receive(event) }
        #expect(counter.count == 2)
    }

    @Test func `a publisher with another codec needs it no longer`() {
        let counter = Counter()
        let frames = frames(counter)
        for event in [began(5), .configured(.vp8), began(6), h264, frame(.h264)] { frames.receive(event) }
        #expect(counter.count == 2 && !frames.isReplaced)
        frames.receiveReplacement(frame(.h264))
        #expect(output.notes == ["began 5", "began 6", "h264", "H264"])
    }
}
