package import Primitives

/// The fixed header, CSRC list and extension header of one RTP packet (RFC 3550 §5.1, §5.3.1).
///
/// Holds values and byte ranges only: parsing copies nothing and allocates nothing, and the ranges index the span
/// that was parsed.
package struct RTPHeader: Equatable, Sendable {
    /// Bytes of the fixed header, without CSRCs and extensions.
    package static let fixedLength = 12

    package var payloadType: UInt8
    package var marker: Bool
    package var sequenceNumber: UInt16
    /// Media time in ticks of the codec's RTP clock, with a random start.
    package var timestamp: UInt32
    package var ssrc: UInt32
    /// Contributing sources listed after the fixed header; 0...15.
    package var contributingSourceCount: Int
    /// Bytes before the payload: fixed header, CSRC list, and the extension with its own header.
    package var headerLength: Int
    /// Bytes of padding after the payload, the count byte included; 0 when there are none.
    package var paddingLength: Int
    /// The "defined by profile" field, which tells the one-byte from the two-byte form; `nil` without extension.
    package var extensionProfile: UInt16?
    /// The extension's elements, without its four-byte header; empty without extension.
    package var extensionRange: Range<Int>
    /// The payload without padding; encrypted and with tag and padding when parsed with `isEncrypted`.
    package var payloadRange: Range<Int>

    /// Parses the header at the start of `packet`.
    ///
    /// - Parameters:
    ///   - packet: One whole packet.
    ///   - isEncrypted: Leaves the padding alone, whose length is unreadable before decryption.
    /// - Throws: ``ParseError`` when the version is not 2, or when the CSRC list, extension or padding claims more bytes
    ///   than there are. An empty payload is accepted, as RFC 3550 does and bandwidth probes need.
    package init(parsing packet: Span<UInt8>, isEncrypted: Bool = false) throws(ParseError) {
        let count = packet.count
        guard count >= Self.fixedLength else {
            throw .truncated(needed: Self.fixedLength, available: count, offset: 0)
        }
        let first = packet[0]
        guard first >> 6 == 2 else { throw .invalid(field: "RTP version") }
        contributingSourceCount = Int(first & 0x0F)
        marker = packet[1] & 0x80 != 0
        payloadType = packet[1] & 0x7F
        sequenceNumber = packet.uint16(at: 2)
        timestamp = packet.uint32(at: 4)
        ssrc = packet.uint32(at: 8)

        var offset = Self.fixedLength + 4 * contributingSourceCount
        guard offset <= count else {
            throw .truncated(
                needed: 4 * contributingSourceCount,
                available: count - Self.fixedLength,
                offset: Self.fixedLength
            )
        }
        if first & 0x10 != 0 {
            guard count - offset >= 4 else { throw .truncated(needed: 4, available: count - offset, offset: offset) }
            extensionProfile = packet.uint16(at: offset)
            let length = 4 * Int(packet.uint16(at: offset + 2))
            offset += 4
            guard count - offset >= length else {
                throw .truncated(needed: length, available: count - offset, offset: offset)
            }
            extensionRange = offset..<(offset + length)
            offset += length
        } else {
            extensionProfile = nil
            extensionRange = offset..<offset
        }
        headerLength = offset

        paddingLength = 0
        if first & 0x20 != 0, !isEncrypted {
            // "The last octet of the padding contains a count of how many padding octets should be ignored,
            // including itself" (§5.1): so neither zero nor more than the payload.
            let padding = Int(packet[count - 1])
            guard padding > 0, padding <= count - offset else { throw .invalid(field: "RTP padding length") }
            paddingLength = padding
        }
        payloadRange = offset..<(count - paddingLength)
    }

    /// Appends a header without CSRCs and without padding, which is all that we send.
    ///
    /// The payload type is 0...127; its upper bit is dropped. Header extension elements go out in the order given, and
    /// without any the extension is left out.
    package static func append(
        to bytes: inout [UInt8],
        payloadType: UInt8,
        marker: Bool,
        sequenceNumber: UInt16,
        timestamp: UInt32,
        ssrc: UInt32,
        extensions: [RTPHeaderExtensions.Element] = []
    ) {
        bytes.append(extensions.isEmpty ? 0x80 : 0x90)
        bytes.append((marker ? 0x80 : 0) | (payloadType & 0x7F))
        bytes.append(bigEndian: sequenceNumber)
        bytes.append(bigEndian: timestamp)
        bytes.append(bigEndian: ssrc)
        if !extensions.isEmpty { RTPHeaderExtensions.append(extensions, to: &bytes) }
    }
}
