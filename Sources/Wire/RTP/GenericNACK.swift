import Primitives

/// The list of RTP packets that a receiver misses and wants again (RFC 4585 §6.2.1).
package struct GenericNACK: Equatable, Sendable {
    package var senderSSRC: UInt32
    package var mediaSSRC: UInt32
    /// Missing RTP sequence numbers, oldest first, as on the wire: not extended.
    package var lost: [UInt16]

    package init(senderSSRC: UInt32, mediaSSRC: UInt32, lost: [UInt16]) {
        self.senderSSRC = senderSSRC
        self.mediaSSRC = mediaSSRC
        self.lost = lost
    }

    /// Parses what follows the four-byte RTCP header.
    ///
    /// At most 17 numbers come from every four bytes, so the datagram's size bounds the list.
    ///
    /// - Throws: ``ParseError/truncated(needed:available:offset:)`` when an entry is cut short. An empty list is
    ///   accepted: it asks for nothing.
    init(parsing reader: inout ByteReader) throws(ParseError) {
        senderSSRC = try reader.readInteger()
        mediaSSRC = try reader.readInteger()
        lost = []
        while reader.remaining > 0 {
            let first: UInt16 = try reader.readInteger()
            var following: UInt16 = try reader.readInteger()
            lost.append(first)
            var number = first &+ 1
            while following != 0 {
                if following & 1 != 0 { lost.append(number) }
                following >>= 1
                number &+= 1
            }
        }
    }

    func writeBody(to writer: inout ByteWriter) {
        writer.write(senderSSRC)
        writer.write(mediaSSRC)
        var index = lost.startIndex
        while index < lost.endIndex {
            let first = lost[index]
            var following: UInt16 = 0
            var last: UInt16 = 0
            index += 1
            while index < lost.endIndex {
                let distance = lost[index] &- first
                // A number out of order begins an entry of its own, so that the order survives.
                guard distance > last, distance <= 16 else { break }
                following |= 1 << (distance - 1)
                last = distance
                index += 1
            }
            writer.write(first)
            writer.write(following)
        }
    }
}
