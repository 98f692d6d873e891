import Primitives
import RTP

/// The RTP payload format for H.265, single stream and without DON fields (RFC 7798).
extension RTPPacketizer {
    mutating func packetizeH265(
        _ frame: EncodedFrame,
        configuration: CodecConfiguration?,
        timestamp: UInt32,
        into burst: inout PacketBurst
    ) throws(ParseError) {
        let units = try h265Units(frame, configuration: configuration)
        let groups = NALUnitGroup.groups(units, maximum: maximumPayloadSize, headerSize: 2)
        for (index, group) in groups.enumerated() {
            let isLast = index == groups.count - 1
            switch group {
            case .single(let unit):
                append(marker: isLast, timestamp: timestamp, to: &burst) { $0.append(contentsOf: unit) }
            case .aggregate(let units):
                append(marker: isLast, timestamp: timestamp, to: &burst) { bytes in
                    bytes.append(contentsOf: Self.aggregationHeader(units))
                    for unit in units { bytes.appendAggregated(unit) }
                }
            case .fragments(let unit):
                appendH265Fragments(unit, isLast: isLast, timestamp: timestamp, to: &burst)
            }
        }
    }

    private func h265Units(
        _ frame: EncodedFrame,
        configuration: CodecConfiguration?
    ) throws(ParseError) -> [ArraySlice<UInt8>] {
        var units: [ArraySlice<UInt8>] = []
        var types: Set<UInt8> = []
        for range in try NALUnits.ranges(lengthPrefixed: frame.payload.span) {
            guard range.count > 2 else { throw .invalid(field: "H.265 NAL unit header") }
            let type = H265NALUnitType.of(frame.payload[range.lowerBound])
            guard H265NALUnitType.travels(type) else { continue }
            types.insert(type)
            units.append(frame.payload[range])
        }
        let bringsOwnSets = types.isSuperset(of: [
            H265NALUnitType.videoParameterSet, H265NALUnitType.sequenceParameterSet,
            H265NALUnitType.pictureParameterSet,
        ])
        if frame.isKeyFrame, !bringsOwnSets, !units.isEmpty, case .h265(let vps, let sps, let pps) = configuration {
            units.insert(contentsOf: (vps + sps + pps).filter { $0.count > 2 }.map { $0[...] }, at: 0)
        }
        return units
    }

    /// The header of an aggregation packet: the lowest layer and temporal identifiers of its units (§4.4.2).
    private static func aggregationHeader(_ units: [ArraySlice<UInt8>]) -> [UInt8] {
        var forbidden: UInt8 = 0
        var layer: UInt8 = 63
        var temporal: UInt8 = 7
        for unit in units where unit.count > 2 {
            let first = unit[unit.startIndex]
            let second = unit[unit.startIndex + 1]
            forbidden |= first & 0x80
            layer = Swift.min(layer, (first & 1) << 5 | second >> 3)
            temporal = Swift.min(temporal, second & 7)
        }
        return [forbidden | H265NALUnitType.aggregation << 1 | layer >> 5, layer << 3 | temporal]
    }

    /// Fragmentation units (§4.4.3): the type moves from the unit's own header, which is not sent, to the FU header.
    private mutating func appendH265Fragments(
        _ unit: ArraySlice<UInt8>,
        isLast: Bool,
        timestamp: UInt32,
        to burst: inout PacketBurst
    ) {
        guard unit.count > 2 else { return }
        let first = unit[unit.startIndex]
        let second = unit[unit.startIndex + 1]
        let body = (unit.startIndex + 2)..<unit.endIndex
        for part in EqualParts(body, maximum: maximumPayloadSize - 3) {
            let isEnd = part.upperBound == body.upperBound
            append(marker: isLast && isEnd, timestamp: timestamp, to: &burst) { bytes in
                bytes.append(first & 0x81 | H265NALUnitType.fragment << 1)
                bytes.append(second)
                bytes.append(
                    (part.lowerBound == body.lowerBound ? 0x80 : 0) | (isEnd ? 0x40 : 0) | H265NALUnitType.of(first)
                )
                bytes.append(contentsOf: unit[part])
            }
        }
    }
}
