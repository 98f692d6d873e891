package import Primitives

/// The blocks of a redundant audio payload: earlier frames in front of the newest (RFC 2198 §3).
package struct RedundantPayload: Equatable, Sendable {
    package struct Block: Equatable, Sendable {
        package var payloadType: UInt8
        /// Ticks by which the block is older than the packet's timestamp; 0 for the primary block.
        package var timestampOffset: UInt16
        /// Where its bytes lie in the payload; empty where a sender had nothing to repeat.
        package var range: Range<Int>

        package init(payloadType: UInt8, timestampOffset: UInt16, range: Range<Int>) {
            self.payloadType = payloadType
            self.timestampOffset = timestampOffset
            self.range = range
        }
    }

    /// What the header of a block has room for: 10 bits of length and 14 of offset.
    package static let maximumBlockLength = 1_023
    package static let maximumTimestampOffset = 16_383
    /// Blocks in one packet at most; senders in the field repeat one or two frames.
    package static let maximumBlocks = 8
    /// Bytes in front of a repeated block's data, and of the primary one's.
    package static let redundantHeaderLength = 4
    package static let primaryHeaderLength = 1

    /// In the order of the packet, the oldest first; the last one is the primary block.
    package var blocks: [Block]

    /// - Throws: ``ParseError/truncated(needed:available:offset:)`` when headers or blocks are cut short,
    ///   ``ParseError/limitExceeded(what:)`` for more than ``maximumBlocks``.
    package init(parsing payload: Span<UInt8>) throws(ParseError) {
        var headers: [(payloadType: UInt8, timestampOffset: UInt16, length: Int)] = []
        var reader = ByteReader(payload)
        var primaryPayloadType: UInt8
        while true {
            let first: UInt8 = try reader.readInteger()
            primaryPayloadType = first & 0x7F
            guard first & 0x80 != 0 else { break }
            guard headers.count + 1 < Self.maximumBlocks else { throw .limitExceeded(what: "redundant blocks") }
            let high: UInt8 = try reader.readInteger()
            let low: UInt16 = try reader.readInteger()
            headers.append((first & 0x7F, UInt16(high) << 6 | low >> 10, Int(low & 0x3FF)))
        }
        var offset = headers.count * Self.redundantHeaderLength + Self.primaryHeaderLength
        blocks = []
        for header in headers {
            guard offset + header.length <= payload.count else {
                throw .truncated(needed: header.length, available: payload.count - offset, offset: offset)
            }
            blocks.append(
                Block(
                    payloadType: header.payloadType, timestampOffset: header.timestampOffset,
                    range: offset..<offset + header.length))
            offset += header.length
        }
        blocks.append(Block(payloadType: primaryPayloadType, timestampOffset: 0, range: offset..<payload.count))
    }

    /// The header of a repeated block.
    ///
    /// - Parameters:
    ///   - payloadType: Of the frame.
    ///   - timestampOffset: 0...``maximumTimestampOffset``.
    ///   - length: 0...``maximumBlockLength``.
    /// - Returns: Four bytes, to be written in network order.
    package static func redundantHeader(payloadType: UInt8, timestampOffset: Int, length: Int) -> UInt32 {
        UInt32(0x80 | payloadType) << 24 | UInt32(timestampOffset & 0x3FFF) << 10 | UInt32(length & 0x3FF)
    }
}
