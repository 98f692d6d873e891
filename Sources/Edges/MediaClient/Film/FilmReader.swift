import CFFmpeg
package import Media
import Primitives

/// The frames of a media file, as they were encoded: MP4, Matroska, WebM, FLV, MPEG-TS, whatever libavformat reads.
///
/// The first track of each kind that we carry is taken. Times count from the first frame of the file.
///
/// It is `Sendable` although libavformat's context is not thread safe, because it cannot be copied: whoever holds it is
/// alone.
package struct FilmReader: ~Copyable, @unchecked Sendable {
    /// Packets that may stand before the first one of AAC with ADTS headers.
    private static let maximumLookahead = 1_000

    package let path: String
    package private(set) var video: FilmTrack?
    package private(set) var audio: FilmTrack?
    /// The codecs of what was left out.
    package private(set) var omitted: [String] = []
    /// Frames that could not be read and were left out.
    package private(set) var unreadable = 0
    private var context: UnsafeMutablePointer<AVFormatContext>?
    private var packet: UnsafeMutablePointer<AVPacket>?
    /// Frames read ahead of their turn.
    private var pending: [EncodedFrame] = []
    /// Microseconds of the file's own time at our time 0.
    private var origin: Int64?
    /// The decoding time of the last frame of each track, which the next one does not precede.
    private var lastDecodeTime: [MediaKind: Int64] = [:]

    /// Opens a file and finds out what is in it.
    ///
    /// - Parameter path: Of a file on this machine; nothing else is opened, whatever the file refers to.
    /// - Throws: ``FilmError``.
    package init(path: String) throws(FilmError) {
        martlet_av_silence()
        self.path = path
        packet = av_packet_alloc()
        var options: OpaquePointer?
        // A playlist must not reach out to the network.
        av_dict_set(&options, "protocol_whitelist", "file", 0)
        defer { av_dict_free(&options) }
        var code = avformat_open_input(&context, "file:" + path, nil, &options)
        guard code >= 0, let context else { throw .cannotOpen(path: path, reason: FilmError.reason(code)) }
        code = avformat_find_stream_info(context, nil)
        guard code >= 0 else { throw .cannotOpen(path: path, reason: FilmError.reason(code)) }
        for index in 0..<Int(context.pointee.nb_streams) {
            guard let stream = context.pointee.streams[index] else { continue }
            let kind: MediaKind
            switch stream.pointee.codecpar.pointee.codec_type {
            case AVMEDIA_TYPE_VIDEO: kind = .video
            case AVMEDIA_TYPE_AUDIO: kind = .audio
            default: continue
            }
            guard self[kind] == nil, let track = try FilmTrack(stream) else {
                omitted.append(FilmTrack.name(of: stream))
                continue
            }
            self[kind] = track
        }
        guard video != nil || audio != nil else { throw .nothingToSend(path: path, found: omitted) }
        try configureADTS()
    }

    deinit {
        var context = context
        var packet = packet
        avformat_close_input(&context)
        av_packet_free(&packet)
    }

    private subscript(kind: MediaKind) -> FilmTrack? {
        get { kind == .video ? video : audio }
        set { if kind == .video { video = newValue } else { audio = newValue } }
    }

    /// The tracks as they are offered by WebRTC, the picture first.
    package var descriptions: [TrackDescription] { [video, audio].compactMap { $0?.description } }

    /// The configurations, the picture first.
    package var configurations: [CodecConfiguration] { [video, audio].compactMap { $0?.configuration } }

    /// Takes the configuration of AAC in ADTS from its first frame.
    private mutating func configureADTS() throws(FilmError) {
        guard let track = audio, case .adts = track.framing else { return }
        var config: [UInt8] = []
        for _ in 0..<Self.maximumLookahead where config.isEmpty {
            guard let raw = try readPacket() else { break }
            if raw.stream == track.stream, let header = try? ADTSHeader(parsing: raw.bytes.span) {
                config = header.audioSpecificConfig
            }
            if let frame = frame(raw) { pending.append(frame) }
        }
        guard !config.isEmpty else { throw .badConfiguration(codec: "aac") }
        audio?.configuration = .aac(audioSpecificConfig: config)
    }

    // MARK: - Frames

    /// Reads the next frame in the order of the file; `nil` at its end.
    ///
    /// - Throws: ``FilmError/readFailed(path:reason:)``.
    package mutating func read() throws(FilmError) -> EncodedFrame? {
        if !pending.isEmpty { return pending.removeFirst() }
        while let raw = try readPacket() {
            if let frame = frame(raw) { return frame }
        }
        return nil
    }

    /// Goes back to the beginning.
    ///
    /// - Throws: ``FilmError/readFailed(path:reason:)`` for what cannot be read twice, like a pipe.
    package mutating func rewind() throws(FilmError) {
        guard let context else { return }
        let start = context.pointee.start_time == martlet_av_no_timestamp() ? 0 : context.pointee.start_time
        let code = av_seek_frame(context, -1, start, AVSEEK_FLAG_BACKWARD)
        guard code >= 0 else { throw .readFailed(path: path, reason: FilmError.reason(code)) }
        pending = []
        lastDecodeTime = [:]
    }

    private struct RawPacket {
        var stream: Int32
        var bytes: [UInt8]
        /// In the stream's own units; `nil` when the file does not tell.
        var decodeTime: Int64?
        var presentationTime: Int64?
        var isKeyFrame: Bool
    }

    private mutating func readPacket() throws(FilmError) -> RawPacket? {
        guard let context, let packet else { return nil }
        let code = av_read_frame(context, packet)
        if code == martlet_averror_end() { return nil }
        guard code >= 0 else { throw .readFailed(path: path, reason: FilmError.reason(code)) }
        defer { av_packet_unref(packet) }
        let none = martlet_av_no_timestamp()
        let contents = packet.pointee
        var bytes: [UInt8] = []
        if let data = contents.data, contents.size > 0 {
            bytes = Array(UnsafeBufferPointer(start: data, count: Int(contents.size)))
        }
        return RawPacket(
            stream: contents.stream_index,
            bytes: bytes,
            decodeTime: contents.dts == none ? nil : contents.dts,
            presentationTime: contents.pts == none ? nil : contents.pts,
            isKeyFrame: contents.flags & AV_PKT_FLAG_KEY != 0
        )
    }

    /// `nil` for a packet of a track that is left out, and for one that makes no sense.
    private mutating func frame(_ raw: RawPacket) -> EncodedFrame? {
        let kind: MediaKind
        if let video, video.stream == raw.stream {
            kind = .video
        } else if let audio, audio.stream == raw.stream {
            kind = .audio
        } else {
            return nil
        }
        guard let track = self[kind], !raw.bytes.isEmpty else { return nil }
        guard let payload = try? track.payload(raw.bytes), !payload.isEmpty else {
            unreadable += 1
            return nil
        }
        let microseconds = AVRational(num: 1, den: 1_000_000)
        func time(_ ticks: Int64) -> Int64 { av_rescale_q(ticks, track.timeBase, microseconds) }
        let last = lastDecodeTime[kind] ?? 0
        let decoded = (raw.decodeTime ?? raw.presentationTime).map(time)
        if origin == nil { origin = decoded ?? 0 }
        let start = origin ?? 0
        let decodeTime = max(decoded.map { $0 - start } ?? last, last)
        // Where only the order of the screen is stored, a picture that changes places lies before its decoding time.
        let presentationTime = raw.presentationTime.map { time($0) - start } ?? decodeTime
        lastDecodeTime[kind] = decodeTime
        return EncodedFrame(
            codec: track.configuration.codec,
            decodeTime: decodeTime,
            presentationTime: kind == .audio ? decodeTime : presentationTime,
            isKeyFrame: kind == .audio || raw.isKeyFrame,
            payload: payload
        )
    }
}
