import Primitives

/// A demand for a decoder refresh point, numbered so that a repetition is not a second demand (RFC 5104 §4.3.1).
package struct FullIntraRequest: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        /// The stream that must send a key frame.
        package var ssrc: UInt32
        /// Grows by one with each new demand and stays with its repetitions.
        package var sequenceNumber: UInt8

        package init(ssrc: UInt32, sequenceNumber: UInt8) {
            self.ssrc = ssrc
            self.sequenceNumber = sequenceNumber
        }
    }

    package var senderSSRC: UInt32
    package var entries: [Entry]

    package init(senderSSRC: UInt32, entries: [Entry]) {
        self.senderSSRC = senderSSRC
        self.entries = entries
    }

    /// Parses what follows the four-byte RTCP header.
    init(parsing reader: inout ByteReader) throws(ParseError) {
        senderSSRC = try reader.readInteger()
        // "SSRC of media source ... SHALL be set to 0" (§4.3.1.2); some send the stream's: it does not matter.
        try reader.skip(4)
        entries = []
        while reader.remaining > 0 {
            let ssrc: UInt32 = try reader.readInteger()
            let sequenceNumber: UInt8 = try reader.readInteger()
            try reader.skip(3)
            entries.append(Entry(ssrc: ssrc, sequenceNumber: sequenceNumber))
        }
    }

    func writeBody(to writer: inout ByteWriter) {
        writer.write(senderSSRC)
        writer.write(0 as UInt32)
        for entry in entries {
            writer.write(entry.ssrc)
            writer.write(entry.sequenceNumber)
            writer.writeZeros(3)
        }
    }
}
