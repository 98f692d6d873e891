import Media
import Primitives

/// Sample entries of video, with parameter sets outside of the samples (ISO/IEC 14496-15 §5.4.2, §8.4.1, and the
/// bindings of AV1 and VP).
extension SampleEntry {
    init(h264 sps: [[UInt8]], _ pps: [[UInt8]]) throws(ParseError) {
        let first = sps.first ?? []
        let parameters = try H264SequenceParameterSet(parsing: first.span)
        guard !pps.isEmpty else { throw .invalid(field: "picture parameter sets") }
        var record = ByteWriter()
        AVCDecoderConfigurationRecord(sequenceParameterSets: sps, pictureParameterSets: pps).write(to: &record)
        self.init(
            type: "avc1", codecsParameter: "avc1." + parameters.profileLevelID, width: parameters.width,
            height: parameters.height
        ) { entry in
            entry.box("avcC") { $0.write(record.bytes) }
        }
    }

    init(h265 vps: [[UInt8]], _ sps: [[UInt8]], _ pps: [[UInt8]]) throws(ParseError) {
        let first = sps.first ?? []
        let parameters = try H265SequenceParameterSet(parsing: first.span)
        guard !vps.isEmpty, !pps.isEmpty else { throw .invalid(field: "parameter sets") }
        var record = ByteWriter()
        try HEVCDecoderConfigurationRecord(
            videoParameterSets: vps, sequenceParameterSets: sps, pictureParameterSets: pps
        ).write(to: &record)
        self.init(
            type: "hvc1", codecsParameter: Self.name(of: parameters), width: parameters.width, height: parameters.height
        ) { entry in
            entry.box("hvcC") { $0.write(record.bytes) }
        }
    }

    /// ISO/IEC 14496-15 §E.3: profile, compatibility flags with their bits reversed, tier and level, constraint bytes.
    private static func name(of parameters: H265SequenceParameterSet) -> String {
        let bytes = parameters.profileTierLevel
        let space = ["", "A", "B", "C"][Int((bytes.first ?? 0) >> 6)]
        var compatibility: UInt32 = 0
        for bit in 0..<32 where bytes[1 + bit / 8] & (0x80 >> UInt8(bit % 8)) != 0 { compatibility |= 1 << UInt32(bit) }
        var constraints = Array(bytes[5..<11])
        while constraints.last == 0 { constraints.removeLast() }
        let tier = parameters.isHighTier ? "H" : "L"
        let parts =
            ["hvc1", "\(space)\(parameters.profile)", String(compatibility, radix: 16), "\(tier)\(parameters.level)"]
            + constraints.map { String($0, radix: 16) }
        return parts.joined(separator: ".")
    }

    init(av1 configurationOBUs: [UInt8]) throws(ParseError) {
        let header = try AV1SequenceHeader(among: configurationOBUs)
        let record = try AV1CodecConfigurationRecord.record(of: configurationOBUs)
        let level = Digits.two(Int(header.levelIndex)) + (header.isHighTier ? "H" : "M")
        self.init(
            type: "av01", codecsParameter: "av01.\(header.profile).\(level).\(Digits.two(header.bitDepth))",
            width: header.width, height: header.height
        ) { entry in
            entry.box("av1C") { $0.write(record) }
        }
    }

    /// VP8 and VP9 (VP Codec ISO Media File Format Binding §2).
    init(vp codec: Codec, keyFrame: [UInt8]) throws(ParseError) {
        let header = try VPFrameHeader(keyFrame: keyFrame, codec: codec)
        let level = Self.vpLevel(ofLumaSamples: header.width * header.height)
        let isVP9 = codec == .vp9
        let name =
            "\(isVP9 ? "vp09" : "vp08").\(Digits.two(Int(header.profile))).\(level).\(Digits.two(header.bitDepth))"
        self.init(
            type: isVP9 ? "vp09" : "vp08", codecsParameter: name, width: header.width, height: header.height
        ) { entry in
            entry.fullBox("vpcC", version: 1) { box in
                box.write(header.profile)
                box.write(level)
                let subsampling: UInt8 =
                    header.subsamplesHorizontally ? (header.subsamplesVertically ? 1 : 2) : 3
                let range: UInt8 = header.isFullRange ? 1 : 0
                box.write(UInt8(truncatingIfNeeded: header.bitDepth << 4) | subsampling << 1 | range)
                box.write([2, 2, 2])  // colours: unspecified
                box.write(UInt16(0))  // no codec initialization data
            }
        }
    }

    /// The lowest level whose pictures are as large (VP9 levels, ten times the number); the frame rate is not known.
    private static func vpLevel(ofLumaSamples samples: Int) -> UInt8 {
        let largest: [(samples: Int, level: UInt8)] = [
            (36_864, 10), (73_728, 11), (122_880, 20), (245_760, 21), (552_960, 30), (983_040, 31), (2_228_224, 40),
            (8_912_896, 50),
        ]
        return largest.first { samples <= $0.samples }?.level ?? 60
    }

    private init(
        type: BoxType,
        codecsParameter: String,
        width: Int,
        height: Int,
        configuration: (inout BoxWriter) -> Void
    ) {
        let box = Self.videoEntry(type, width: width, height: height, configuration: configuration)
        self.init(
            timescale: Self.videoTimescale, codecsParameter: codecsParameter, width: width, height: height, box: box
        )
    }
}
