package import Primitives

/// A sender's clock and counters, with what it receives itself (RFC 3550 §6.4.1).
package struct SenderReport: Equatable, Sendable {
    package var ssrc: UInt32
    /// The sender's wall clock; not every sender knows the true time.
    package var ntpTime: NTPTime
    /// The RTP timestamp of the same moment.
    package var rtpTimestamp: UInt32
    package var packetCount: UInt32
    /// Payload bytes, without headers and padding.
    package var octetCount: UInt32
    package var reportBlocks: [ReportBlock]

    package init(
        ssrc: UInt32,
        ntpTime: NTPTime,
        rtpTimestamp: UInt32,
        packetCount: UInt32,
        octetCount: UInt32,
        reportBlocks: [ReportBlock] = []
    ) {
        self.ssrc = ssrc
        self.ntpTime = ntpTime
        self.rtpTimestamp = rtpTimestamp
        self.packetCount = packetCount
        self.octetCount = octetCount
        self.reportBlocks = reportBlocks
    }

    /// Parses what follows the four-byte RTCP header, whose count field is `blockCount`.
    ///
    /// Profile-specific extensions after the blocks are passed over.
    init(parsing reader: inout ByteReader, blockCount: Int) throws(ParseError) {
        ssrc = try reader.readInteger()
        ntpTime = NTPTime(rawValue: try reader.readInteger())
        rtpTimestamp = try reader.readInteger()
        packetCount = try reader.readInteger()
        octetCount = try reader.readInteger()
        reportBlocks = []
        for _ in 0..<blockCount { reportBlocks.append(try ReportBlock(parsing: &reader)) }
    }

    func writeBody(to writer: inout ByteWriter, blocks: ArraySlice<ReportBlock>) {
        writer.write(ssrc)
        writer.write(ntpTime.rawValue)
        writer.write(rtpTimestamp)
        writer.write(packetCount)
        writer.write(octetCount)
        for block in blocks { block.write(to: &writer) }
    }
}

/// What a participant that sends nothing has received (RFC 3550 §6.4.2).
package struct ReceiverReport: Equatable, Sendable {
    package var ssrc: UInt32
    package var reportBlocks: [ReportBlock]

    package init(ssrc: UInt32, reportBlocks: [ReportBlock] = []) {
        self.ssrc = ssrc
        self.reportBlocks = reportBlocks
    }

    /// Parses what follows the four-byte RTCP header, whose count field is `blockCount`.
    ///
    /// Profile-specific extensions after the blocks are passed over.
    init(parsing reader: inout ByteReader, blockCount: Int) throws(ParseError) {
        ssrc = try reader.readInteger()
        reportBlocks = []
        for _ in 0..<blockCount { reportBlocks.append(try ReportBlock(parsing: &reader)) }
    }
}
