import Primitives

extension CodecConfiguration {
    /// The configuration that a key frame brings along, as those that came by RTP do.
    ///
    /// `nil` when the frame has none of its own, is not a key frame, or makes no sense. Opus is stereo, as its RTP
    /// format always says (RFC 7587 §7).
    package init?(inBandOf frame: EncodedFrame) {
        guard frame.isKeyFrame else { return nil }
        switch frame.codec {
        case .h264:
            let units = Self.units(of: frame) { H264NALUnitType.of($0) }
            guard let sps = units[H264NALUnitType.sequenceParameterSet],
                let pps = units[H264NALUnitType.pictureParameterSet]
            else { return nil }
            self = .h264(sps: sps, pps: pps)
        case .h265:
            let units = Self.units(of: frame) { H265NALUnitType.of($0) }
            guard let vps = units[H265NALUnitType.videoParameterSet],
                let sps = units[H265NALUnitType.sequenceParameterSet],
                let pps = units[H265NALUnitType.pictureParameterSet]
            else { return nil }
            self = .h265(vps: vps, sps: sps, pps: pps)
        case .av1:
            guard
                let header = try? OpenBitstreamUnit.units(of: frame.payload.span)
                    .first(where: { $0.type == OpenBitstreamUnit.sequenceHeader })
            else { return nil }
            var bytes = header.header
            bytes[0] |= 0x02  // obu_has_size_field
            bytes.appendLEB128(header.payload.count)
            bytes.append(contentsOf: frame.payload[header.payload])
            self = .av1(configurationOBUs: bytes)
        case .vp8: self = .vp8
        case .vp9: self = .vp9
        case .opus: self = .opus(channels: 2)
        case .aac, .pcmu, .pcma: return nil
        }
    }

    /// The NAL units of a frame by type.
    private static func units(of frame: EncodedFrame, type: (UInt8) -> UInt8) -> [UInt8: [[UInt8]]] {
        let ranges = (try? NALUnits.ranges(lengthPrefixed: frame.payload.span)) ?? []
        var units: [UInt8: [[UInt8]]] = [:]
        for range in ranges {
            units[type(frame.payload[range.lowerBound]), default: []].append(Array(frame.payload[range]))
        }
        return units
    }
}
