import CFFmpeg
import Media
import Primitives

extension FilmTrack {
    /// The track of a stream that libavformat has found.
    ///
    /// - Returns: `nil` for a codec that we do not carry, and for sound in more channels than WebRTC's Opus has.
    /// - Throws: ``FilmError/badConfiguration(codec:)``.
    init?(_ stream: UnsafeMutablePointer<AVStream>) throws(FilmError) {
        let parameters = stream.pointee.codecpar.pointee
        self.stream = stream.pointee.index
        timeBase = stream.pointee.time_base
        framing = .same
        let extra = Self.extraData(parameters)
        do throws(ParseError) {
            switch parameters.codec_id {
            case AV_CODEC_ID_H264:
                (configuration, framing) = try Self.h264(extra)
            case AV_CODEC_ID_HEVC:
                (configuration, framing) = try Self.h265(extra)
            case AV_CODEC_ID_VP8: configuration = .vp8
            case AV_CODEC_ID_VP9: configuration = .vp9
            case AV_CODEC_ID_AV1:
                // Without a record, key frames bring the sequence header themselves.
                configuration =
                    extra.isEmpty
                    ? .av1(configurationOBUs: [])
                    : try AV1CodecConfigurationRecord(parsing: extra.span).configuration
            case AV_CODEC_ID_OPUS:
                let channels = Int(parameters.ch_layout.nb_channels)
                guard (1...2).contains(channels) else { return nil }
                configuration = .opus(channels: channels)
            case AV_CODEC_ID_AAC:
                // ADTS: ``FilmReader`` takes the configuration from the first frame.
                configuration = .aac(audioSpecificConfig: extra)
                if extra.isEmpty { framing = .adts }
            default: return nil
            }
        } catch {
            throw .badConfiguration(codec: Self.name(of: stream))
        }
        description = TrackDescription(configuration)
        if parameters.codec_id == AV_CODEC_ID_VP9 || parameters.codec_id == AV_CODEC_ID_AV1, parameters.profile > 0 {
            let key = parameters.codec_id == AV_CODEC_ID_VP9 ? "profile-id" : "profile"
            description.formatParameters[key] = "\(parameters.profile)"
        }
        var filter = VideoReorderingFilter()
        filter.configure(configuration)
        isReordered = filter.isPossible && parameters.video_delay > 0
    }

    /// What libavformat calls the codec of a stream.
    static func name(of stream: UnsafeMutablePointer<AVStream>) -> String {
        String(cString: avcodec_get_name(stream.pointee.codecpar.pointee.codec_id))
    }

    private static func extraData(_ parameters: AVCodecParameters) -> [UInt8] {
        guard let data = parameters.extradata, parameters.extradata_size > 0 else { return [] }
        return Array(UnsafeBufferPointer(start: data, count: Int(parameters.extradata_size)))
    }

    /// A decoder configuration record begins with version 1, a stream of units with a zero.
    private static func h264(_ extra: [UInt8]) throws(ParseError) -> (CodecConfiguration, Framing) {
        guard extra.first != 1 else {
            let record = try AVCDecoderConfigurationRecord(parsing: extra.span)
            return (record.configuration, .lengthPrefixed(record.lengthSize))
        }
        let units = try units(extra) { H264NALUnitType.of($0) }
        return (
            .h264(
                sps: units[H264NALUnitType.sequenceParameterSet] ?? [],
                pps: units[H264NALUnitType.pictureParameterSet] ?? []
            ), .annexB
        )
    }

    private static func h265(_ extra: [UInt8]) throws(ParseError) -> (CodecConfiguration, Framing) {
        guard extra.first != 1 else {
            let record = try HEVCDecoderConfigurationRecord(parsing: extra.span)
            return (record.configuration, .lengthPrefixed(record.lengthSize))
        }
        let units = try units(extra) { H265NALUnitType.of($0) }
        return (
            .h265(
                vps: units[H265NALUnitType.videoParameterSet] ?? [],
                sps: units[H265NALUnitType.sequenceParameterSet] ?? [],
                pps: units[H265NALUnitType.pictureParameterSet] ?? []
            ), .annexB
        )
    }

    private static func units(_ stream: [UInt8], type: (UInt8) -> UInt8) throws(ParseError) -> [UInt8: [[UInt8]]] {
        var units: [UInt8: [[UInt8]]] = [:]
        for range in try NALUnits.ranges(annexB: stream.span) {
            units[type(stream[range.lowerBound]), default: []].append(Array(stream[range]))
        }
        return units
    }
}
