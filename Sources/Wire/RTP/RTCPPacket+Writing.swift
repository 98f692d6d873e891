package import Primitives

extension RTCPPacket {
    /// The count field's five bits hold no more.
    private static let maximumCount = 31

    /// Appends the packet, padded to 32 bits, so that calls in a row make a compound.
    ///
    /// Report blocks beyond 31 go into further receiver reports, as RFC 3550 §6.4.1 asks. Packets that we only pass
    /// over when they come in write nothing.
    package func write(to writer: inout ByteWriter) {
        switch self {
        case .senderReport(let report):
            let blocks = report.reportBlocks.prefix(Self.maximumCount)
            RTCPHeader.write(type: .senderReport, count: UInt8(blocks.count), to: &writer) {
                report.writeBody(to: &$0, blocks: blocks)
            }
            Self.writeReceiverReports(
                ssrc: report.ssrc,
                blocks: report.reportBlocks.dropFirst(Self.maximumCount),
                to: &writer
            )
        case .receiverReport(let report):
            if report.reportBlocks.isEmpty {
                RTCPHeader.write(type: .receiverReport, count: 0, to: &writer) { $0.write(report.ssrc) }
            }
            Self.writeReceiverReports(ssrc: report.ssrc, blocks: report.reportBlocks[...], to: &writer)
        case .sourceDescription(let description):
            let count = Self.checkedCount(description.chunks.count)
            RTCPHeader.write(type: .sourceDescription, count: count, to: &writer) { description.writeBody(to: &$0) }
        case .goodbye(let goodbye):
            let count = Self.checkedCount(goodbye.sources.count)
            RTCPHeader.write(type: .goodbye, count: count, to: &writer) { goodbye.writeBody(to: &$0) }
        case .pictureLossIndication(let senderSSRC, let mediaSSRC):
            let format = PayloadFeedbackFormat.pictureLossIndication
            RTCPHeader.write(type: .payloadFeedback, count: format, to: &writer) {
                $0.write(senderSSRC)
                $0.write(mediaSSRC)
            }
        case .fullIntraRequest(let request):
            let format = PayloadFeedbackFormat.fullIntraRequest
            RTCPHeader.write(type: .payloadFeedback, count: format, to: &writer) { request.writeBody(to: &$0) }
        case .genericNACK(let nack):
            let format = TransportFeedbackFormat.genericNACK
            RTCPHeader.write(type: .transportFeedback, count: format, to: &writer) { nack.writeBody(to: &$0) }
        case .transportFeedback(let feedback):
            let format = TransportFeedbackFormat.transportWideCongestionControl
            RTCPHeader.write(type: .transportFeedback, count: format, to: &writer) { feedback.writeBody(to: &$0) }
        case .receiverEstimatedMaximumBitrate(let estimate):
            let format = PayloadFeedbackFormat.applicationLayer
            RTCPHeader.write(type: .payloadFeedback, count: format, to: &writer) { estimate.writeBody(to: &$0) }
        case .applicationDefined, .extendedReport, .unknown:
            break
        }
    }

    private static func writeReceiverReports(
        ssrc: UInt32,
        blocks: ArraySlice<ReportBlock>,
        to writer: inout ByteWriter
    ) {
        var rest = blocks
        while !rest.isEmpty {
            let blocks = rest.prefix(maximumCount)
            rest = rest.dropFirst(maximumCount)
            RTCPHeader.write(type: .receiverReport, count: UInt8(blocks.count), to: &writer) {
                $0.write(ssrc)
                for block in blocks { block.write(to: &$0) }
            }
        }
    }

    private static func checkedCount(_ count: Int) -> UInt8 {
        precondition(count <= maximumCount, "we name fewer than 32 streams in one packet")
        return UInt8(count)
    }
}
