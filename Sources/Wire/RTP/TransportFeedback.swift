package import Primitives

/// When each packet of a transport arrived: transport-wide congestion control feedback
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
///
/// Holds the arrivals only. A number in the range reported on that has no arrival was lost, or is still on its way.
package struct TransportFeedback: Equatable, Sendable {
    /// The unit of ``referenceTime``.
    package static let referenceTimeUnit = Interval.milliseconds(64)
    /// The unit of ``Arrival/delta``.
    package static let deltaUnit = Interval.microseconds(250)

    /// One packet that has come.
    package struct Arrival: Equatable, Sendable {
        package var sequenceNumber: UInt16
        /// Time since the arrival before it in the list (since the reference time for the first), in 250 us.
        package var delta: Int16

        package init(sequenceNumber: UInt16, delta: Int16) {
            self.sequenceNumber = sequenceNumber
            self.delta = delta
        }
    }

    package var senderSSRC: UInt32
    /// Any stream of the transport; feedback is about all of them.
    package var mediaSSRC: UInt32
    /// The transport sequence number that the report starts with.
    package var baseSequenceNumber: UInt16
    /// How many consecutive numbers are reported on, received or not.
    package var packetStatusCount: UInt16
    /// The receiver's clock in units of 64 ms: 24 bits signed, with an arbitrary origin.
    package var referenceTime: Int32
    /// Grows by one with each feedback, so that the sender sees feedback that got lost.
    package var feedbackCount: UInt8
    /// In the order of their sequence numbers, counted from ``baseSequenceNumber``.
    package var arrivals: [Arrival]

    package init(
        senderSSRC: UInt32,
        mediaSSRC: UInt32,
        baseSequenceNumber: UInt16,
        packetStatusCount: UInt16,
        referenceTime: Int32,
        feedbackCount: UInt8,
        arrivals: [Arrival]
    ) {
        self.senderSSRC = senderSSRC
        self.mediaSSRC = mediaSSRC
        self.baseSequenceNumber = baseSequenceNumber
        self.packetStatusCount = packetStatusCount
        self.referenceTime = referenceTime
        self.feedbackCount = feedbackCount
        self.arrivals = arrivals
    }

    /// Parses what follows the four-byte RTCP header.
    ///
    /// Every arrival takes at least a byte of the datagram, and runs of lost packets are kept as gaps: memory and work
    /// are bounded by the datagram, whatever the status count claims.
    ///
    /// - Throws: ``ParseError`` when the chunks or deltas end early, or hold the reserved symbol.
    init(parsing reader: inout ByteReader) throws(ParseError) {
        senderSSRC = try reader.readInteger()
        mediaSSRC = try reader.readInteger()
        baseSequenceNumber = try reader.readInteger()
        packetStatusCount = try reader.readInteger()
        referenceTime = Int32(bitPattern: try reader.readUInt24() << 8) >> 8
        feedbackCount = try reader.readInteger()
        arrivals = []

        let statuses = try StatusChunk.received(count: Int(packetStatusCount), from: &reader)
        arrivals.reserveCapacity(statuses.count)
        for status in statuses {
            let delta: Int16
            if status.isLarge {
                delta = Int16(bitPattern: try reader.readInteger())
            } else {
                delta = Int16(try reader.readInteger(as: UInt8.self))
            }
            let number = baseSequenceNumber &+ UInt16(truncatingIfNeeded: status.offset)
            arrivals.append(Arrival(sequenceNumber: number, delta: delta))
        }
    }

    func writeBody(to writer: inout ByteWriter) {
        writer.write(senderSSRC)
        writer.write(mediaSSRC)
        writer.write(baseSequenceNumber)
        writer.write(packetStatusCount)
        writer.writeUInt24(UInt32(bitPattern: referenceTime) & 0xFF_FFFF)
        writer.write(feedbackCount)
        var symbols = [StatusChunk.Symbol](repeating: .notReceived, count: Int(packetStatusCount))
        var deltas = ByteWriter(capacity: 2 * arrivals.count)
        for arrival in arrivals {
            let offset = Int(arrival.sequenceNumber &- baseSequenceNumber)
            precondition(offset < symbols.count, "an arrival lies within the range reported on")
            if (0...255).contains(arrival.delta) {
                symbols[offset] = .smallDelta
                deltas.write(UInt8(truncatingIfNeeded: arrival.delta))
            } else {
                symbols[offset] = .largeDelta
                deltas.write(UInt16(bitPattern: arrival.delta))
            }
        }
        StatusChunk.write(symbols, to: &writer)
        writer.write(deltas.bytes)
    }
}
