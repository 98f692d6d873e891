import Gateway
import Media
import MediaIO
import Primitives
import RTP
import Synchronization
import Testing

/// A frame publisher's way in, with lists in place of the gateway and the media plane.
final class IngestHarness: Sendable {
    /// A frame as it left.
    struct Burst {
        var track: TrackID
        var packets: [[UInt8]]
        var clock: ClockReference?
    }

    private struct Heard {
        var bursts: [Burst] = []
        var reports = 0
        var keyFrameRequests = 0
        var ends: [IngestEnd] = []
    }

    private final class Log: Sendable {
        let heard = Mutex(Heard())
        /// Unix nanoseconds.
        let wallClock = Mutex<Int64>(1_790_000_000_000_000_000)
    }

    let ingest: FrameIngest
    private let log: Log

    init(_ policy: ReorderingPolicy = .auto) throws {
        let log = Log()
        let outputs = FrameIngestOutputs(
            post: { command in
                guard case .burst(let track, let burst, let clock) = command else { return }
                let packets = burst.entries.map { entry in
                    Array(burst.bytes[Int(entry.offset)..<(Int(entry.offset) + Int(entry.length))])
                }
                log.heard.withLock { $0.bursts.append(Burst(track: track, packets: packets, clock: clock)) }
            },
            report: { _ in log.heard.withLock { $0.reports += 1 } },
            onEnd: { end in log.heard.withLock { $0.ends.append(end) } },
            onKeyFrameRequest: { log.heard.withLock { $0.keyFrameRequests += 1 } }
        )
        self.log = log
        ingest = FrameIngest(
            stream: try #require(StreamName("cam")),
            policy: policy,
            outputs: outputs,
            wallClock: { log.wallClock.withLock { $0 } }
        )
    }

    var bursts: [Burst] { log.heard.withLock { $0.bursts } }
    var reports: Int { log.heard.withLock { $0.reports } }
    var keyFrameRequests: Int { log.heard.withLock { $0.keyFrameRequests } }
    var ends: [IngestEnd] { log.heard.withLock { $0.ends } }

    func moveWallClock(by nanoseconds: Int64) { log.wallClock.withLock { $0 += nanoseconds } }

    /// Gives every announced track a number, as the gateway does, from `first` on.
    @discardableResult
    func settle(from first: TrackID = 1) throws -> [IngestNews.Track] {
        let tracks = try #require(ingest.takeNews().announcement)
        ingest.ready(tracks.enumerated().map { (first + TrackID($0), $1.description.codec) })
        return tracks
    }

    /// A publisher of H.264 and nothing else, whose track has a number.
    func startVideo(_ configuration: CodecConfiguration) throws {
        ingest.configure(configuration)
        ingest.configure(.opus(channels: 2))
        try settle()
    }
}

/// What an encoder writes.
enum Encoded {
    /// x264, Baseline, 642x362, no reordering.
    static let baseline = CodecConfiguration.h264(sps: [parameterSet], pps: [hex("68cb83cb20")])
    static let parameterSet = hex("6742c01ed900a42fe224c044000003000400000300f03c58b920")
    /// x264, High, 642x362, up to two pictures reordered.
    static let reordering = CodecConfiguration.h264(
        sps: [hex("6764001eacd940a42fe224c044000003000400000300f03c58b658")], pps: [hex("68ebe3cb22c0")])

    /// Constrained Baseline of another size.
    static func baseline(widthInMacroblocks width: Int, heightInMacroblocks height: Int) -> CodecConfiguration {
        var bits = BitWriter()
        // Identifier, frame number length, picture order count type, reference frames.
        for value: UInt32 in [0, 0, 2, 1] { bits.writeUnsignedExpGolomb(value) }
        bits.write(false)  // no gaps
        bits.writeUnsignedExpGolomb(UInt32(width - 1))
        bits.writeUnsignedExpGolomb(UInt32(height - 1))
        // Frames only, direct 8x8 inference, no cropping, no VUI.
        for flag in [true, true, false, false] { bits.write(flag) }
        let sps = [0x67, 0x42, 0xC0, 0x1E] + bits.finishedWithTrailingBits()
        return .h264(sps: [sps], pps: [hex("68cb83cb20")])
    }

    /// A picture of one slice.
    ///
    /// `reference` is nal_ref_idc: 0 for one that nothing depends on. Times are in frames of 40 ms.
    static func picture(
        _ number: Int64,
        shownAt shown: Int64? = nil,
        isKeyFrame: Bool = false,
        reference: UInt8 = 2,
        sets: CodecConfiguration? = nil
    ) -> EncodedFrame {
        let header = isKeyFrame ? reference << 5 | 5 : reference << 5 | 1
        var units: [[UInt8]] = []
        if case .h264(let sps, let pps)? = sets { units = sps + pps }
        units.append([header, 0x88, UInt8(truncatingIfNeeded: number), 1])
        var writer = ByteWriter()
        for unit in units {
            writer.write(UInt32(unit.count))
            writer.write(unit)
        }
        return EncodedFrame(
            codec: .h264,
            decodeTime: number * 40_000,
            presentationTime: (shown ?? number) * 40_000,
            isKeyFrame: isKeyFrame,
            payload: writer.bytes
        )
    }

    static func opus(at time: Int64) -> EncodedFrame {
        EncodedFrame(codec: .opus, decodeTime: time, presentationTime: time, isKeyFrame: true, payload: [0xFC, 1, 2])
    }

    static func hex(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

extension IngestHarness.Burst {
    /// The sequence parameter set that viewers get with it.
    var parameterSet: [UInt8]? {
        for packet in packets {
            let payload = Array(packet.dropFirst(RTPHeader.fixedLength))
            if let range = H264SequenceParameterSet.range(inRTPPayload: payload.span) { return Array(payload[range]) }
        }
        return nil
    }

    func header() throws -> RTPHeader {
        let packet = try #require(packets.first)
        return try RTPHeader(parsing: packet.span)
    }
}
