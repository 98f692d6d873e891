import Primitives
import RTP

/// The RTP payload format for H.264 in packetization mode 1 (RFC 6184).
extension RTPPacketizer {
    mutating func packetizeH264(
        _ frame: EncodedFrame,
        configuration: CodecConfiguration?,
        timestamp: UInt32,
        into burst: inout PacketBurst
    ) throws(ParseError) {
        let units = try h264Units(frame, configuration: configuration)
        let groups = NALUnitGroup.groups(units, maximum: maximumPayloadSize, headerSize: 1)
        for (index, group) in groups.enumerated() {
            let isLast = index == groups.count - 1
            switch group {
            case .single(let unit):
                append(marker: isLast, timestamp: timestamp, to: &burst) { $0.append(contentsOf: unit) }
            case .aggregate(let units):
                append(marker: isLast, timestamp: timestamp, to: &burst) { bytes in
                    bytes.append(Self.aggregationHeader(units))
                    for unit in units { bytes.appendAggregated(unit) }
                }
            case .fragments(let unit):
                appendH264Fragments(unit, isLast: isLast, timestamp: timestamp, to: &burst)
            }
        }
    }

    /// The units to send, in order, with the parameter sets that a decoder starting here needs.
    private func h264Units(
        _ frame: EncodedFrame,
        configuration: CodecConfiguration?
    ) throws(ParseError) -> [ArraySlice<UInt8>] {
        var units: [ArraySlice<UInt8>] = []
        var types: Set<UInt8> = []
        for range in try NALUnits.ranges(lengthPrefixed: frame.payload.span) {
            let type = H264NALUnitType.of(frame.payload[range.lowerBound])
            guard H264NALUnitType.travels(type) else { continue }
            types.insert(type)
            units.append(frame.payload[range])
        }
        let bringsOwnSets = types.isSuperset(
            of: [H264NALUnitType.sequenceParameterSet, H264NALUnitType.pictureParameterSet])
        if frame.isKeyFrame, !bringsOwnSets, !units.isEmpty, case .h264(let sps, let pps) = configuration {
            units.insert(contentsOf: (sps + pps).filter { !$0.isEmpty }.map { $0[...] }, at: 0)
        }
        return units
    }

    /// The STAP-A header: the highest NRI of the units, and F if any of them has it (§5.7).
    private static func aggregationHeader(_ units: [ArraySlice<UInt8>]) -> UInt8 {
        var header = H264NALUnitType.aggregationA
        for unit in units {
            guard let first = unit.first else { continue }
            header |= first & 0x80
            header = header & 0x9F | Swift.max(header & 0x60, first & 0x60)
        }
        return header
    }

    /// FU-A (§5.8): the NAL unit header is spread over indicator and FU header, so its byte is not sent.
    private mutating func appendH264Fragments(
        _ unit: ArraySlice<UInt8>,
        isLast: Bool,
        timestamp: UInt32,
        to burst: inout PacketBurst
    ) {
        guard let header = unit.first else { return }
        let body = (unit.startIndex + 1)..<unit.endIndex
        for part in EqualParts(body, maximum: maximumPayloadSize - 2) {
            let isEnd = part.upperBound == body.upperBound
            append(marker: isLast && isEnd, timestamp: timestamp, to: &burst) { bytes in
                bytes.append(header & 0xE0 | H264NALUnitType.fragmentA)
                bytes.append(
                    (part.lowerBound == body.lowerBound ? 0x80 : 0) | (isEnd ? 0x40 : 0) | H264NALUnitType.of(header)
                )
                bytes.append(contentsOf: unit[part])
            }
        }
    }
}
