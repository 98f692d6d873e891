import ISOBMFF
import Media
import Primitives
import Testing

@testable import Recording

/// A publisher of H.264, a key frame each second, and AAC, as readers are told of it.
struct Stream {
    static let baseline = configuration("6742c01ed900a42fe224c044000003000400000300f03c58b920")
    static let aac = CodecConfiguration.aac(audioSpecificConfig: [0x11, 0x90])
    static let unixNanosecondsAtZero: Int64 = 1_790_000_000_123_000_000

    static func configuration(_ sps: String) -> CodecConfiguration {
        .h264(sps: [hex(sps)], pps: [hex("68cb83cb20")])
    }

    static func hex(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    static func began(_ kinds: Set<MediaKind> = [.video, .audio], number: UInt64 = 1) -> FrameEvent {
        .began(PublishEpoch(number: number, unixNanosecondsAtZero: unixNanosecondsAtZero, kinds: kinds))
    }

    static func picture(_ number: Int64, isKeyFrame: Bool, size: Int = 100) -> EncodedFrame {
        let unit =
            [isKeyFrame ? 0x65 : 0x41, 0x88] + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size)
        let length = (0..<4).map { UInt8(truncatingIfNeeded: unit.count >> (24 - 8 * $0)) }
        return EncodedFrame(
            codec: .h264, decodeTime: number * 40_000, presentationTime: number * 40_000, isKeyFrame: isKeyFrame,
            payload: length + unit)
    }

    static func sound(_ number: Int64, codec: Codec = .aac) -> EncodedFrame {
        let time = number * 1_024_000_000 / 48_000
        return EncodedFrame(
            codec: codec, decodeTime: time, presentationTime: time, isKeyFrame: true,
            payload: [1, 2, 3, UInt8(truncatingIfNeeded: number)])
    }

    /// Pictures and sound of these seconds, interleaved; a key frame every `group` pictures.
    static func events(seconds: Range<Int64>, group: Int64 = 25, size: Int = 100, hasSound: Bool = true) -> [FrameEvent]
    {
        var frames: [EncodedFrame] = []
        for number in seconds.lowerBound * 25..<seconds.upperBound * 25 {
            frames.append(picture(number, isKeyFrame: number % group == 0, size: size))
        }
        if hasSound {
            let first = (seconds.lowerBound * 48_000 + 1_023) / 1_024
            for number in first..<(seconds.upperBound * 48_000 + 1_023) / 1_024 { frames.append(sound(number)) }
        }
        let order = frames.enumerated().sorted {
            ($0.element.decodeTime, $0.offset) < ($1.element.decodeTime, $1.offset)
        }
        return order.map { .frame($0.element) }
    }

    static let beginning: [FrameEvent] = [began(), .configured(baseline), .configured(aac)]
}

/// What a muxer has put out, in short.
struct Files {
    struct File {
        var unixMilliseconds: Int64
        var codecs: [Codec]
        var fragments: [RecordingMuxer.Fragment] = []
        var isClosed = false
        var header: [UInt8]

        /// Ticks at 90 kHz, or the sampling rate of sound alone.
        var end: UInt64 { fragments.last?.end ?? 0 }
        var bytes: [UInt8] { header + fragments.flatMap(\.bytes) }
    }

    var files: [File] = []

    init(_ muxer: inout RecordingMuxer, _ events: [FrameEvent]) {
        for event in events {
            muxer.receive(event)
            take(&muxer)
        }
    }

    mutating func take(_ muxer: inout RecordingMuxer) {
        for output in muxer.takeOutputs() {
            switch output {
            case .open(let opening):
                files.append(
                    File(
                        unixMilliseconds: opening.unixMilliseconds, codecs: opening.tracks.map(\.codec),
                        header: opening.header))
            case .fragment(let fragment): files[files.count - 1].fragments.append(fragment)
            case .close: files[files.count - 1].isClosed = true
            }
        }
    }
}
