extension H264SequenceParameterSet {
    /// Where the payload of one RTP packet holds an SPS, alone or in a STAP-A (RFC 6184 §5.7.1); `nil` when it has none.
    ///
    /// Never throws: a payload that makes no sense has none. One that is cut into fragments is not found; parameter sets
    /// are far too small for that.
    package static func range(inRTPPayload payload: Span<UInt8>) -> Range<Int>? {
        guard payload.count > 1 else { return nil }
        switch H264NALUnitType.of(payload[0]) {
        case H264NALUnitType.sequenceParameterSet:
            return 0..<payload.count
        case H264NALUnitType.aggregationA:
            var offset = 1
            while offset + 2 < payload.count {
                let start = offset + 2
                let end = start + (Int(payload[offset]) << 8 | Int(payload[offset + 1]))
                guard end <= payload.count else { return nil }
                if start < end, H264NALUnitType.of(payload[start]) == H264NALUnitType.sequenceParameterSet {
                    return start..<end
                }
                offset = end
            }
            return nil
        default:
            return nil
        }
    }
}
