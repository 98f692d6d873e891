package import Primitives

/// What a receiver says about one stream, inside a sender or receiver report (RFC 3550 §6.4.1).
package struct ReportBlock: Equatable, Sendable {
    static let length = 24

    /// The stream reported on.
    package var ssrc: UInt32
    /// Packets lost since the last report, in 1/256 of those expected.
    package var fractionLost: UInt8
    /// Packets lost since the start: 24 bits signed, negative when duplicates outnumber losses.
    package var cumulativeLost: Int32
    /// The highest sequence number received, with the number of wraps in the upper 16 bits.
    package var extendedHighestSequenceNumber: UInt32
    /// Interarrival jitter in ticks of the stream's RTP clock.
    package var jitter: UInt32
    /// The middle 32 bits of the NTP time in the last sender report that came; 0 when none has.
    package var lastSenderReport: UInt32
    /// Time from that report's arrival to this report, in 1/65,536 s.
    package var delaySinceLastSenderReport: UInt32

    package init(
        ssrc: UInt32,
        fractionLost: UInt8 = 0,
        cumulativeLost: Int32 = 0,
        extendedHighestSequenceNumber: UInt32 = 0,
        jitter: UInt32 = 0,
        lastSenderReport: UInt32 = 0,
        delaySinceLastSenderReport: UInt32 = 0
    ) {
        self.ssrc = ssrc
        self.fractionLost = fractionLost
        self.cumulativeLost = cumulativeLost
        self.extendedHighestSequenceNumber = extendedHighestSequenceNumber
        self.jitter = jitter
        self.lastSenderReport = lastSenderReport
        self.delaySinceLastSenderReport = delaySinceLastSenderReport
    }

    package init(parsing reader: inout ByteReader) throws(ParseError) {
        ssrc = try reader.readInteger()
        let loss: UInt32 = try reader.readInteger()
        fractionLost = UInt8(truncatingIfNeeded: loss >> 24)
        cumulativeLost = Int32(bitPattern: loss << 8) >> 8
        extendedHighestSequenceNumber = try reader.readInteger()
        jitter = try reader.readInteger()
        lastSenderReport = try reader.readInteger()
        delaySinceLastSenderReport = try reader.readInteger()
    }

    package func write(to writer: inout ByteWriter) {
        writer.write(ssrc)
        writer.write(fractionLost)
        // RFC 3550 appendix A.3 clamps to what 24 bits hold.
        writer.writeUInt24(UInt32(bitPattern: min(max(cumulativeLost, -0x80_0000), 0x7F_FFFF)) & 0xFF_FFFF)
        writer.write(extendedHighestSequenceNumber)
        writer.write(jitter)
        writer.write(lastSenderReport)
        writer.write(delaySinceLastSenderReport)
    }

    /// The round trip to the reporter and back, less the time it held the sender report (RFC 3550 §6.4.1, figure 2).
    ///
    /// - Parameter now: Our NTP clock when the report came: the clock that our sender reports carry.
    /// - Returns: `nil` when the reporter has no sender report of ours yet, or when the sum makes no sense
    ///   (negative, or over a minute), which is what clocks that jump and made-up reports give.
    package func roundTripTime(at now: NTPTime) -> Interval? {
        guard lastSenderReport != 0 else { return nil }
        let units = Int32(bitPattern: now.compact &- lastSenderReport &- delaySinceLastSenderReport)
        // A truncated clock can be one unit ahead of itself.
        guard units >= -1, units < 60 << 16 else { return nil }
        return Interval(nanoseconds: (Int64(max(units, 0)) * 1_000_000_000) >> 16)
    }
}
