import CFFmpeg
package import Media
import Primitives

/// Writes frames into a file as they are: Matroska, MP4 or whatever else the extension of its name says.
///
/// The file begins with the first key frame, because a container says at its head how large the pictures are; sound
/// that comes earlier waits for it.
package struct FilmWriter: ~Copyable {
    /// Frames that wait for the first key frame, some ten seconds of sound; beyond, the oldest are dropped.
    package static let maximumWaiting = 512

    package let path: String
    /// Frames in the file so far.
    package private(set) var frameCount = 0
    private var context: UnsafeMutablePointer<AVFormatContext>?
    private var packet: UnsafeMutablePointer<AVPacket>?
    private let kinds: Set<MediaKind>
    private var waiting: [EncodedFrame] = []
    private var streams: [MediaKind: Stream] = [:]
    private var isOpen = false
    /// The media time of the file's beginning.
    private var origin: Int64 = 0

    private struct Stream {
        var index: Int32
        /// The last time stamp, in the units of the file.
        var last: Int64?
    }

    /// Finds the format; the file itself is made with the first key frame.
    ///
    /// - Parameters:
    ///   - path: Its extension decides on the format. A file that is there is replaced.
    ///   - kinds: What will come.
    /// - Throws: ``FilmError/unknownFormat(path:)``.
    package init(path: String, expecting kinds: Set<MediaKind>) throws(FilmError) {
        martlet_av_silence()
        self.path = path
        self.kinds = kinds
        packet = av_packet_alloc()
        avformat_alloc_output_context2(&context, nil, nil, path)
        guard context != nil else { throw .unknownFormat(path: path) }
    }

    deinit {
        var packet = packet
        av_packet_free(&packet)
        if let context, isOpen { avio_closep(&context.pointee.pb) }
        avformat_free_context(context)
    }

    /// Takes a frame, in decoding order within each track.
    ///
    /// - Throws: ``FilmError``.
    package mutating func write(_ frame: EncodedFrame) throws(FilmError) {
        if isOpen { return try put(frame) }
        let isStart = frame.codec.kind == .video ? frame.isKeyFrame : !kinds.contains(.video)
        guard isStart || frame.codec.kind == .audio else { return }
        waiting.append(frame)
        if waiting.count > Self.maximumWaiting { waiting.removeFirst() }
        if isStart { try open(with: frame) }
    }

    /// Completes the file.
    ///
    /// - Throws: ``FilmError``; ``FilmError/nothingToWrite(path:)`` when there is none.
    package mutating func finish() throws(FilmError) {
        // Sound alone, where the picture never came.
        if !isOpen, let first = waiting.first { try open(with: first) }
        guard isOpen, let context else { throw .nothingToWrite(path: path) }
        isOpen = false
        let code = av_write_trailer(context)
        let closed = avio_closep(&context.pointee.pb)
        guard code >= 0, closed >= 0 else {
            throw .writeFailed(path: path, reason: FilmError.reason(code < 0 ? code : closed))
        }
    }

    // MARK: - The head

    private mutating func open(with first: EncodedFrame) throws(FilmError) {
        guard let context else { return }
        if first.codec.kind == .video { try addStream(first) }
        if let sound = waiting.last(where: { $0.codec.kind == .audio }) {
            try addStream(sound)
        } else if kinds.contains(.audio), first.codec.kind == .video {
            // None yet, but our viewers receive sound in nothing but Opus or G.711, and browsers send the former.
            try addStream(
                EncodedFrame(codec: .opus, decodeTime: 0, presentationTime: 0, isKeyFrame: true, payload: [])
            )
        }
        var code = avio_open(&context.pointee.pb, path, AVIO_FLAG_WRITE)
        guard code >= 0 else { throw .writeFailed(path: path, reason: FilmError.reason(code)) }
        isOpen = true
        code = avformat_write_header(context, nil)
        guard code >= 0 else { throw .writeFailed(path: path, reason: FilmError.reason(code)) }
        let start = first.decodeTime
        origin = start
        let frames = waiting
        waiting = []
        // Sound from before the first picture would be heard with none.
        for frame in frames where frame.decodeTime >= start || frame.codec.kind == .video { try put(frame) }
    }

    private mutating func addStream(_ frame: EncodedFrame) throws(FilmError) {
        guard let stream = avformat_new_stream(context, nil), let parameters = stream.pointee.codecpar else {
            throw .writeFailed(path: path, reason: "no memory")
        }
        switch frame.codec.kind {
        case .video:
            guard let configuration = CodecConfiguration(inBandOf: frame),
                let format = PictureFormat.of(frame, configuration)
            else { throw .badConfiguration(codec: frame.codec.rawValue) }
            parameters.pointee.codec_type = AVMEDIA_TYPE_VIDEO
            parameters.pointee.width = format.width
            parameters.pointee.height = format.height
            parameters.pointee.format = format.pixels
            setExtraData(Self.extraData(configuration), of: parameters)
        case .audio:
            parameters.pointee.codec_type = AVMEDIA_TYPE_AUDIO
            parameters.pointee.sample_rate = Int32(frame.codec.clockRate)
            av_channel_layout_default(&parameters.pointee.ch_layout, frame.codec == .opus ? 2 : 1)
            if frame.codec == .opus { setExtraData(Self.opusHead, of: parameters) }
        }
        parameters.pointee.codec_id = Self.identifier(of: frame.codec)
        stream.pointee.time_base = AVRational(num: 1, den: Int32(frame.codec.clockRate))
        streams[frame.codec.kind] = Stream(index: stream.pointee.index)
    }

    private static func identifier(of codec: Codec) -> AVCodecID {
        switch codec {
        case .h264: AV_CODEC_ID_H264
        case .h265: AV_CODEC_ID_HEVC
        case .vp8: AV_CODEC_ID_VP8
        case .vp9: AV_CODEC_ID_VP9
        case .av1: AV_CODEC_ID_AV1
        case .opus: AV_CODEC_ID_OPUS
        case .pcmu: AV_CODEC_ID_PCM_MULAW
        case .pcma: AV_CODEC_ID_PCM_ALAW
        case .aac: AV_CODEC_ID_AAC
        }
    }

    /// Parameter sets behind start codes: from these libavformat makes the record that the container wants, and then it
    /// expects start codes in the frames too.
    private static func extraData(_ configuration: CodecConfiguration) -> [UInt8] {
        switch configuration {
        case .h264(let sps, let pps): NALUnits.annexB((sps + pps).map { $0[...] })
        case .h265(let vps, let sps, let pps): NALUnits.annexB((vps + sps + pps).map { $0[...] })
        case .av1(let configurationOBUs): configurationOBUs
        case .vp8, .vp9, .aac, .opus: []
        }
    }

    /// An Opus identification header: stereo, 48 kHz, nothing to skip (RFC 7845 §5.1).
    private static let opusHead: [UInt8] = Array("OpusHead".utf8) + [1, 2, 0, 0, 0x80, 0xBB, 0, 0, 0, 0, 0]

    private func setExtraData(_ bytes: [UInt8], of parameters: UnsafeMutablePointer<AVCodecParameters>) {
        guard !bytes.isEmpty, let memory = av_mallocz(bytes.count + Int(AV_INPUT_BUFFER_PADDING_SIZE)) else { return }
        memory.copyMemory(from: bytes, byteCount: bytes.count)
        parameters.pointee.extradata = memory.assumingMemoryBound(to: UInt8.self)
        parameters.pointee.extradata_size = Int32(clamping: bytes.count)
    }

    // MARK: - Frames

    private mutating func put(_ frame: EncodedFrame) throws(FilmError) {
        guard let context, let packet, var stream = streams[frame.codec.kind],
            let target = context.pointee.streams[Int(stream.index)],
            target.pointee.codecpar.pointee.codec_id == Self.identifier(of: frame.codec)
        else { return }
        var bytes = frame.payload
        if frame.codec == .h264 || frame.codec == .h265 {
            guard let units = try? NALUnits.annexB(fromLengthPrefixed: bytes) else { return }
            bytes = units
        }
        var code = av_new_packet(packet, Int32(clamping: bytes.count))
        guard code >= 0, let data = packet.pointee.data else {
            throw .writeFailed(path: path, reason: FilmError.reason(code))
        }
        UnsafeMutableRawPointer(data).copyMemory(from: bytes, byteCount: bytes.count)
        func ticks(_ time: Int64) -> Int64 {
            av_rescale_q(time - origin, AVRational(num: 1, den: 1_000_000), target.pointee.time_base)
        }
        // MP4 wants each time stamp to be greater than the one before.
        let decodeTime = max(ticks(frame.decodeTime), stream.last.map { $0 + 1 } ?? 0)
        stream.last = decodeTime
        streams[frame.codec.kind] = stream
        packet.pointee.dts = decodeTime
        packet.pointee.pts = max(ticks(frame.presentationTime), decodeTime)
        packet.pointee.stream_index = stream.index
        if frame.isKeyFrame { packet.pointee.flags |= AV_PKT_FLAG_KEY }
        if frame.codec == .opus, let header = try? OpusPacketHeader(parsing: frame.payload.span) {
            // Without it MP4 ends where its last packet begins.
            packet.pointee.duration = ticks(origin + header.duration)
        }
        code = av_interleaved_write_frame(context, packet)
        guard code >= 0 else { throw .writeFailed(path: path, reason: FilmError.reason(code)) }
        frameCount += 1
    }
}
