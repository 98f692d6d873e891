import Primitives

/// Tells from the payload of one RTP packet whether a decoder could start there.
package enum KeyFrameDetector {
    /// Whether `payload` holds the beginning of a key frame, or the parameter sets ahead of one.
    ///
    /// Never throws: a payload that makes no sense starts no key frame. Always `false` for audio.
    package static func startsKeyFrame(_ payload: Span<UInt8>, codec: Codec) -> Bool {
        switch codec {
        case .h264: startsH264(payload)
        case .h265: startsH265(payload)
        case .vp8: (try? startsVP8(payload)) ?? false
        case .vp9: (try? startsVP9(payload)) ?? false
        // N: this packet is the first of a coded video sequence, which begins with a sequence header.
        case .av1: payload.count > 1 && payload[0] & 0x88 == 0x08
        case .opus, .pcmu, .pcma, .aac: false
        }
    }

    // MARK: - H.264 (RFC 6184)

    private static func startsH264(_ payload: Span<UInt8>) -> Bool {
        guard payload.count > 1 else { return false }
        switch H264NALUnitType.of(payload[0]) {
        case H264NALUnitType.aggregationA: return anyUnit(of: payload, from: 1, matches: isH264Start)
        case H264NALUnitType.aggregationB: return anyUnit(of: payload, from: 3, matches: isH264Start)
        case H264NALUnitType.fragmentA: return isH264FragmentStart(payload, body: 2)
        case H264NALUnitType.fragmentB: return isH264FragmentStart(payload, body: 4)
        default: return isH264Start(payload)
        }
    }

    private static func isH264FragmentStart(_ payload: Span<UInt8>, body: Int) -> Bool {
        guard payload.count > body, payload[1] & 0x80 != 0 else { return false }
        return isH264Start(type: H264NALUnitType.of(payload[1]), firstByte: payload[body])
    }

    private static func isH264Start(_ unit: Span<UInt8>) -> Bool {
        unit.count > 1 && isH264Start(type: H264NALUnitType.of(unit[0]), firstByte: unit[1])
    }

    /// Whether a unit starts a key frame, from its type and the byte behind its header.
    ///
    /// In a slice `firstByte` begins with first_mb_in_slice, whose code for 0 is a single one bit: later slices of the
    /// picture start nothing.
    private static func isH264Start(type: UInt8, firstByte: UInt8) -> Bool {
        switch type {
        case H264NALUnitType.sequenceParameterSet: true
        case H264NALUnitType.idrSlice: firstByte & 0x80 != 0
        default: false
        }
    }

    // MARK: - H.265 (RFC 7798)

    private static func startsH265(_ payload: Span<UInt8>) -> Bool {
        guard payload.count > 2 else { return false }
        switch H265NALUnitType.of(payload[0]) {
        case H265NALUnitType.aggregation: return anyUnit(of: payload, from: 2, matches: isH265Start)
        case H265NALUnitType.fragment:
            guard payload.count > 3, payload[2] & 0x80 != 0 else { return false }
            return isH265Start(type: payload[2] & 0x3F, firstByte: payload[3])
        default: return isH265Start(payload)
        }
    }

    private static func isH265Start(_ unit: Span<UInt8>) -> Bool {
        unit.count > 2 && isH265Start(type: H265NALUnitType.of(unit[0]), firstByte: unit[2])
    }

    /// The same for H.265, where a slice begins with first_slice_segment_in_pic_flag.
    private static func isH265Start(type: UInt8, firstByte: UInt8) -> Bool {
        switch type {
        case H265NALUnitType.videoParameterSet, H265NALUnitType.sequenceParameterSet: true
        case H265NALUnitType.randomAccess: firstByte & 0x80 != 0
        default: false
        }
    }

    private static func anyUnit(
        of payload: Span<UInt8>,
        from start: Int,
        matches: (Span<UInt8>) -> Bool
    ) -> Bool {
        var offset = start
        while offset + 2 < payload.count {
            let length = Int(payload[offset]) << 8 | Int(payload[offset + 1])
            let end = offset + 2 + length
            guard end <= payload.count else { return false }
            if matches(payload.extracting((offset + 2)..<end)) { return true }
            offset = end
        }
        return false
    }

    // MARK: - VP8 (RFC 7741) and VP9 (RFC 9628)

    private static func startsVP8(_ payload: Span<UInt8>) throws(ParseError) -> Bool {
        var reader = ByteReader(payload)
        let isStart = try VP8PayloadDescriptor(parsing: &reader).startsFrame
        // The lowest bit of the frame tag is 0 in key frames (RFC 6386 §9.1).
        return isStart ? try reader.peek() & 1 == 0 : false
    }

    private static func startsVP9(_ payload: Span<UInt8>) throws(ParseError) -> Bool {
        var reader = ByteReader(payload)
        let descriptor = try VP9PayloadDescriptor(parsing: &reader)
        return descriptor.startsFrame && !descriptor.isInterPredicted && (descriptor.spatialLayer ?? 0) == 0
            && reader.remaining > 0
    }
}
