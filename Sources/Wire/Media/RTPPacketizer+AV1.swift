import Primitives
import RTP

/// The RTP payload format for AV1 (AOMedia, "RTP Payload Format For AV1", §4).
extension RTPPacketizer {
    mutating func packetizeAV1(
        _ frame: EncodedFrame,
        configuration: CodecConfiguration?,
        timestamp: UInt32,
        into burst: inout PacketBurst
    ) throws(ParseError) {
        let elements = try av1Elements(frame, configuration: configuration)
        // Every element goes out behind a length (W = 0), of one or two bytes as no payload reaches 16 KiB. Packets
        // are filled to a common size rather than to the limit, so that they leave as one group.
        let total = elements.reduce(0) { $0 + $1.count + 2 }
        let limit = maximumPayloadSize - 1
        let packets = (total + limit - 1) / limit
        guard packets > 0 else { return }
        // Each cut costs a further length.
        let target = Swift.min(limit, (total + 2 * packets + packets - 1) / packets)

        var payload: [UInt8] = [0]
        var isFirst = true
        for (index, element) in elements.enumerated() {
            var rest = element[...]
            while !rest.isEmpty {
                let room = target - (payload.count - 1) - 2
                if room < 1 {
                    flush(&payload, continues: false, isFirst: &isFirst)
                    continue
                }
                let part = rest.prefix(room)
                rest = rest.dropFirst(part.count)
                payload.appendLEB128(part.count)
                payload.append(contentsOf: part)
                if !rest.isEmpty {
                    flush(&payload, continues: true, isFirst: &isFirst)
                } else if index == elements.count - 1 {
                    flush(&payload, continues: false, isFirst: &isFirst, isLast: true)
                }
            }
        }

        func flush(_ payload: inout [UInt8], continues: Bool, isFirst: inout Bool, isLast: Bool = false) {
            // N: the first packet of a coded video sequence.
            if isFirst, frame.isKeyFrame { payload[0] |= 0x08 }
            if continues { payload[0] |= 0x40 }
            append(marker: isLast, timestamp: timestamp, to: &burst) { $0.append(contentsOf: payload) }
            isFirst = false
            payload = [continues ? 0x80 : 0]
        }
    }

    /// The OBUs to send, without size fields; temporal delimiters, tile lists and padding stay behind (§5).
    private func av1Elements(
        _ frame: EncodedFrame,
        configuration: CodecConfiguration?
    ) throws(ParseError) -> [[UInt8]] {
        var hasSequenceHeader = false
        var elements = try Self.av1Elements(of: frame.payload, hasSequenceHeader: &hasSequenceHeader)
        guard frame.isKeyFrame, !hasSequenceHeader, !elements.isEmpty,
            case .av1(let configurationOBUs) = configuration
        else { return elements }
        elements.insert(
            contentsOf: try Self.av1Elements(of: configurationOBUs, hasSequenceHeader: &hasSequenceHeader),
            at: 0
        )
        return elements
    }

    private static func av1Elements(
        of bytes: [UInt8],
        hasSequenceHeader: inout Bool
    ) throws(ParseError) -> [[UInt8]] {
        var elements: [[UInt8]] = []
        for unit in try OpenBitstreamUnit.units(of: bytes.span) {
            switch unit.type {
            case OpenBitstreamUnit.temporalDelimiter, OpenBitstreamUnit.tileList, OpenBitstreamUnit.padding: continue
            case OpenBitstreamUnit.sequenceHeader: hasSequenceHeader = true
            default: break
            }
            var element = unit.header
            element[0] &= ~0x02  // obu_has_size_field
            element.append(contentsOf: bytes[unit.payload])
            elements.append(element)
        }
        return elements
    }
}
