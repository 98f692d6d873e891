import HLS
import Media
import Primitives

/// A publisher in virtual time: frames of video and sound in the order in which they would come.
struct VirtualStream {
    var presentation: Presentation
    var now = Instant.zero
    /// Microseconds of media time that the next frames have.
    var videoTime: Int64 = 0
    var audioTime: Int64 = 0
    var videoInterval: Int64 = 33_333
    /// Frames from one key frame to the next.
    var groupLength = 60
    var frameBytes = 500
    private(set) var frameIndex = 0
    /// Frames by which a smaller size comes later; `nil` while it does not come.
    var rungDelay: Int?
    /// Frames of it that are still being encoded.
    private var encoding: [EncodedFrame] = []
    static let rung = RenditionName.rung(height: 240)
    /// What the smaller size is called; the publisher's own sizes have clocks and key frames of their own.
    var rungName = rung
    /// Microseconds by which its times differ.
    var rungOffset: Int64 = 0
    /// Frames by which its key frames come later.
    var rungKeyDelay = 0

    static let h264 = CodecConfiguration.h264(
        sps: [hex("6764001eacd940a42fe224c044000003000400000300f03c58b658")], pps: [hex("68ebe3cb22c0")])
    /// Constrained Baseline, 320x240.
    static let smaller = CodecConfiguration.h264(
        sps: [smallerParameterSet], pps: [hex("68cb83cb20")])
    private static let smallerParameterSet: [UInt8] = {
        var bits = BitWriter()
        // Identifier, frame number length, picture order count type, reference frames; gaps; size in macroblocks.
        for value: UInt32 in [0, 0, 2, 1] { bits.writeUnsignedExpGolomb(value) }
        bits.write(false)
        for value: UInt32 in [19, 14] { bits.writeUnsignedExpGolomb(value) }
        // Frames only, direct 8x8 inference, no cropping, no VUI.
        for flag in [true, true, false, false] { bits.write(flag) }
        return [0x67, 0x42, 0xC0, 0x1E] + bits.finishedWithTrailingBits()
    }()
    static let opus = CodecConfiguration.opus(channels: 2)
    static let aac = CodecConfiguration.aac(audioSpecificConfig: [0x12, 0x10])
    static let unixZero: Int64 = 1_800_000_000_000_000_000

    init(_ configuration: PresentationConfiguration = .init()) {
        presentation = Presentation(configuration: configuration, unixSeconds: 1_800_000_000)
    }

    mutating func begin(
        _ kinds: Set<MediaKind> = [.audio, .video], number: UInt64 = 1, declaredBitrate: Int? = nil
    ) {
        let epoch = PublishEpoch(
            number: number, unixNanosecondsAtZero: Self.unixZero, kinds: kinds, declaredBitrate: declaredBitrate)
        presentation.receive(.began(epoch), at: now)
        if rungDelay != nil { presentation.receive(.began(epoch), rung: rungName, at: now) }
        encoding = []
        (videoTime, audioTime, frameIndex) = (0, 0, 0)
    }

    /// Has the picture encoded in a smaller size as well.
    mutating func addRung(delay: Int?) {
        presentation.addRungs([(rungName, rungName == Self.rung ? 400_000 : 0)])
        rungDelay = delay
    }

    mutating func configureRung(_ configuration: CodecConfiguration = smaller) {
        presentation.receive(.configured(configuration), rung: rungName, at: now)
    }

    mutating func configure(_ configurations: CodecConfiguration...) {
        for configuration in configurations { presentation.receive(.configured(configuration), at: now) }
    }

    /// Publishes so many seconds of the kinds, interleaved.
    mutating func play(_ seconds: Double, video: Bool = true, audio: CodecConfiguration? = opus) {
        let end = max(videoTime, audioTime) + Int64(seconds * 1_000_000)
        if !video { videoTime = max(videoTime, audioTime) }
        if audio == nil { audioTime = max(videoTime, audioTime) }
        while true {
            if video, videoTime < end, audio == nil || videoTime <= audioTime {
                send(.h264, at: videoTime, isKey: frameIndex % groupLength == 0)
                frameIndex += 1
                videoTime += videoInterval
            } else if let audio, audioTime < end {
                sendAudio(audio)
            } else {
                break
            }
        }
        if !video { videoTime = end }
        if audio == nil { audioTime = end }
    }

    mutating func sendAudio(_ configuration: CodecConfiguration) {
        send(configuration.codec, at: audioTime, isKey: true)
        audioTime += configuration.codec == .aac ? 23_219 : 20_000
    }

    mutating func send(_ codec: Codec, at time: Int64, isKey: Bool) {
        now = max(now, Instant.zero + .microseconds(time))
        let payload: [UInt8] =
            switch codec {
            case .h264:
                [0, 0, 0, UInt8(3)] + [isKey ? 0x65 : 0x41, 0x80, 0x01] + [UInt8](repeating: 7, count: frameBytes)
            case .opus: [0xFC, 0x11, 0x22]
            default: [0x21, 0x22, 0x23]
            }
        let frame = EncodedFrame(
            codec: codec, decodeTime: time, presentationTime: time, isKeyFrame: isKey, payload: payload)
        presentation.receive(.frame(frame), at: now)
        guard codec == .h264, let rungDelay else { return }
        encoding.append(
            EncodedFrame(
                codec: codec, decodeTime: max(0, time + rungOffset), presentationTime: max(0, time + rungOffset),
                isKeyFrame: frameIndex % groupLength == rungKeyDelay, payload: payload))
        while encoding.count > rungDelay {
            presentation.receive(.frame(encoding.removeFirst()), rung: rungName, at: now)
        }
    }

    /// The playlist of a kind, parsed.
    func playlist(_ kind: RenditionName, _ directives: PlaylistDirectives = .init()) throws -> ParsedPlaylist {
        guard case .playlist(let text) = presentation.answer(.media(kind), directives: directives) else {
            throw Missing(what: "\(kind) playlist")
        }
        return ParsedPlaylist(text)
    }

    func media(_ name: String) throws -> [UInt8] {
        guard let resource = ResourceName(name), case .media(let pieces) = presentation.answer(resource) else {
            throw Missing(what: name)
        }
        return Array(pieces.joined())
    }

    static func hex(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

struct Missing: Error {
    var what: String
}

/// What a client reads from a media playlist.
struct ParsedPlaylist {
    struct Part {
        var duration: Double
        var uri: String
        var isIndependent: Bool
    }

    struct Segment {
        var number = 0
        var duration = 0.0
        /// `nil` while the segment is in the making.
        var uri: String?
        var parts: [Part] = []
        var isDiscontinuous = false
        var isGap = false
        var map: String?
        var date: String?
    }

    var text: String
    var tags: [String: String] = [:]
    var segments: [Segment] = []
    var hint: String?
    var report: String?

    init(_ text: String) {
        self.text = text
        var segment = Segment()
        var map: String?
        for line in text.split(separator: "\n").map(String.init) {
            guard line.hasPrefix("#") else {
                segment.uri = line
                segments.append(segment)
                segment = Segment()
                continue
            }
            let sides = line.dropFirst().split(separator: ":", maxSplits: 1).map(String.init)
            let (name, value) = (sides[0], sides.count > 1 ? sides[1] : "")
            switch name {
            case "EXTINF": segment.duration = Double(value.dropLast()) ?? 0
            case "EXT-X-DISCONTINUITY": segment.isDiscontinuous = true
            case "EXT-X-GAP": segment.isGap = true
            case "EXT-X-MAP": map = Self.attribute("URI", of: value)
            case "EXT-X-PROGRAM-DATE-TIME": segment.date = value
            case "EXT-X-PART":
                segment.parts.append(
                    Part(
                        duration: Double(Self.attribute("DURATION", of: value)) ?? 0,
                        uri: Self.attribute("URI", of: value), isIndependent: value.contains("INDEPENDENT=YES")))
            case "EXT-X-PRELOAD-HINT": hint = Self.attribute("URI", of: value)
            case "EXT-X-RENDITION-REPORT": report = value
            default: tags[name] = value
            }
            segment.map = map
        }
        if !segment.parts.isEmpty { segments.append(segment) }
        let first = Int(tags["EXT-X-MEDIA-SEQUENCE"] ?? "") ?? 0
        let skipped = Int(Self.attribute("SKIPPED-SEGMENTS", of: tags["EXT-X-SKIP"] ?? "")) ?? 0
        for index in segments.indices { segments[index].number = first + skipped + index }
    }

    var targetDuration: Double { Double(tags["EXT-X-TARGETDURATION"] ?? "") ?? 0 }
    var partTarget: Double { Double(Self.attribute("PART-TARGET", of: tags["EXT-X-PART-INF"] ?? "")) ?? 0 }
    var complete: [Segment] { segments.filter { $0.uri != nil } }

    static func attribute(_ name: String, of list: String) -> String {
        for pair in list.split(separator: ",") {
            let sides = pair.split(separator: "=", maxSplits: 1)
            if sides.count == 2, sides[0] == name { return sides[1].filter { $0 != "\"" } }
        }
        return ""
    }
}
