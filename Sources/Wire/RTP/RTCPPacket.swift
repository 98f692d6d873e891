package import Primitives

/// One RTCP packet out of a compound (RFC 3550 §6).
///
/// `docs/rtcp-ledger.md` says which of these we consume, generate or ignore, and why.
package enum RTCPPacket: Equatable, Sendable {
    case senderReport(SenderReport)
    case receiverReport(ReceiverReport)
    case sourceDescription(SourceDescription)
    case goodbye(Goodbye)
    /// The decoder of `mediaSSRC` lost a picture and wants a key frame (RFC 4585 §6.3.1).
    case pictureLossIndication(senderSSRC: UInt32, mediaSSRC: UInt32)
    case fullIntraRequest(FullIntraRequest)
    case genericNACK(GenericNACK)
    case transportFeedback(TransportFeedback)
    case receiverEstimatedMaximumBitrate(ReceiverEstimatedMaximumBitrate)
    /// Well-formed as a whole and passed over; nothing of it is kept, and nothing is written.
    case applicationDefined
    /// Well-formed as a whole and passed over (RFC 3611); nothing of it is kept, and nothing is written.
    case extendedReport
    /// A type or feedback format that we do not know, passed over as RFC 3550 §6.1 asks; nothing is written.
    case unknown(packetType: UInt8, format: UInt8)

    /// More packets than any compound we would take seriously has.
    package static let maximumPacketsPerCompound = 64

    /// Parses all packets of a datagram, decrypted and without its SRTCP trailer.
    ///
    /// Reduced-size compounds, which start with something else than a report, are accepted (RFC 5506).
    ///
    /// - Throws: ``ParseError`` when any packet is malformed. Then nothing of the datagram counts: a sender that gets
    ///   one length wrong has most likely got the next wrong too.
    package static func parseCompound(_ datagram: Span<UInt8>) throws(ParseError) -> [RTCPPacket] {
        var packets: [RTCPPacket] = []
        var reader = ByteReader(datagram)
        repeat {
            guard packets.count < maximumPacketsPerCompound else { throw .limitExceeded(what: "RTCP packets") }
            let header = try RTCPHeader(parsing: &reader)
            let body = try reader.readSpan(header.bodyLength)
            let length = try RTCPHeader.unpadded(body, hasPadding: header.hasPadding)
            var content = ByteReader(body.extracting(0..<length))
            packets.append(try RTCPPacket(header: header, body: &content))
        } while reader.remaining > 0
        return packets
    }

    private init(header: RTCPHeader, body reader: inout ByteReader) throws(ParseError) {
        let count = Int(header.count)
        switch RTCPType(rawValue: header.packetType) {
        case .senderReport: self = .senderReport(try SenderReport(parsing: &reader, blockCount: count))
        case .receiverReport: self = .receiverReport(try ReceiverReport(parsing: &reader, blockCount: count))
        case .sourceDescription: self = .sourceDescription(try SourceDescription(parsing: &reader, chunkCount: count))
        case .goodbye: self = .goodbye(try Goodbye(parsing: &reader, sourceCount: count))
        case .transportFeedback: self = try Self.transportLayerFeedback(format: header.count, body: &reader)
        case .payloadFeedback: self = try Self.payloadSpecificFeedback(format: header.count, body: &reader)
        case .applicationDefined: self = .applicationDefined
        case .extendedReport: self = .extendedReport
        case nil: self = .unknown(packetType: header.packetType, format: header.count)
        }
    }

    private static func transportLayerFeedback(
        format: UInt8,
        body reader: inout ByteReader
    ) throws(ParseError) -> RTCPPacket {
        switch format {
        case TransportFeedbackFormat.genericNACK:
            .genericNACK(try GenericNACK(parsing: &reader))
        case TransportFeedbackFormat.transportWideCongestionControl:
            .transportFeedback(try TransportFeedback(parsing: &reader))
        default:
            .unknown(packetType: RTCPType.transportFeedback.rawValue, format: format)
        }
    }

    private static func payloadSpecificFeedback(
        format: UInt8,
        body reader: inout ByteReader
    ) throws(ParseError) -> RTCPPacket {
        switch format {
        case PayloadFeedbackFormat.pictureLossIndication:
            return .pictureLossIndication(
                senderSSRC: try reader.readInteger(),
                mediaSSRC: try reader.readInteger()
            )
        case PayloadFeedbackFormat.fullIntraRequest:
            return .fullIntraRequest(try FullIntraRequest(parsing: &reader))
        case PayloadFeedbackFormat.applicationLayer:
            if let estimate = try ReceiverEstimatedMaximumBitrate(parsing: &reader) {
                return .receiverEstimatedMaximumBitrate(estimate)
            }
            return .unknown(packetType: RTCPType.payloadFeedback.rawValue, format: format)
        default:
            return .unknown(packetType: RTCPType.payloadFeedback.rawValue, format: format)
        }
    }
}
