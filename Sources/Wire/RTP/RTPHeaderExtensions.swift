/// The elements inside an RTP header extension, in the one- and the two-byte form (RFC 8285 §4.2, §4.3).
///
/// Works on the ranges of an ``RTPHeader`` and allocates nothing. An element that claims more bytes than are left
/// ends the list: what came before it stands, for a header extension is never essential to the payload.
package enum RTPHeaderExtensions {
    /// The profile field of the one-byte form.
    package static let oneByteProfile: UInt16 = 0xBEDE
    /// The profile field of the two-byte form, with its four application bits zero.
    package static let twoByteProfile: UInt16 = 0x1000

    /// One element to send.
    package struct Element: Equatable, Sendable {
        /// The local identifier from `a=extmap`; 1...14 for the one-byte form, 1...255 otherwise.
        package var id: UInt8
        /// At most 255 bytes.
        package var value: [UInt8]

        package init(id: UInt8, value: [UInt8]) {
            self.id = id
            self.value = value
        }
    }

    /// The bytes of the first element with `id`, as a range of the packet that `header` was parsed from.
    ///
    /// - Returns: `nil` when the packet has none; an empty range for a two-byte element without data.
    package static func first(id: UInt8, header: RTPHeader, in packet: Span<UInt8>) -> Range<Int>? {
        var cursor = Cursor(header: header)
        while let element = cursor.next(in: packet) {
            if element.id == id { return element.range }
        }
        return nil
    }

    /// Calls `body` with each element's identifier and bytes, in packet order.
    package static func forEach(
        header: RTPHeader,
        in packet: Span<UInt8>,
        _ body: (_ id: UInt8, _ range: Range<Int>) -> Void
    ) {
        var cursor = Cursor(header: header)
        while let element = cursor.next(in: packet) { body(element.id, element.range) }
    }

    /// Appends a whole extension: profile, length and `elements`, padded to 32 bits.
    ///
    /// Uses the one-byte form unless an identifier or a value needs the other. The caller sets the X bit.
    ///
    /// - Precondition: Identifiers are not 0, values have at most 255 bytes.
    package static func append(_ elements: [Element], to bytes: inout [UInt8]) {
        let fitsOneByteForm = elements.allSatisfy { (1...14).contains($0.id) && (1...16).contains($0.value.count) }
        bytes.append(bigEndian: fitsOneByteForm ? oneByteProfile : twoByteProfile)
        let lengthOffset = bytes.count
        bytes.append(bigEndian: UInt16(0))
        for element in elements {
            precondition(element.id != 0 && element.value.count <= 255, "identifiers are negotiated, values are ours")
            if fitsOneByteForm {
                bytes.append(element.id << 4 | UInt8(truncatingIfNeeded: element.value.count - 1))
            } else {
                bytes.append(element.id)
                bytes.append(UInt8(truncatingIfNeeded: element.value.count))
            }
            bytes.append(contentsOf: element.value)
        }
        while (bytes.count - lengthOffset - 2) % 4 != 0 { bytes.append(0) }
        let words = (bytes.count - lengthOffset - 2) / 4
        bytes[lengthOffset] = UInt8(truncatingIfNeeded: words >> 8)
        bytes[lengthOffset + 1] = UInt8(truncatingIfNeeded: words)
    }

    /// Walks the elements of one packet.
    private struct Cursor {
        private var offset: Int
        private let end: Int
        private let isOneByteForm: Bool

        init(header: RTPHeader) {
            offset = header.extensionRange.lowerBound
            isOneByteForm = header.extensionProfile == oneByteProfile
            // "0x100" and four bits for the application; any other profile is not ours to read (RFC 3550 §5.3.1).
            let isKnown = isOneByteForm || (header.extensionProfile ?? 0) & 0xFFF0 == twoByteProfile
            end = isKnown ? header.extensionRange.upperBound : offset
        }

        mutating func next(in packet: Span<UInt8>) -> (id: UInt8, range: Range<Int>)? {
            let limit = min(end, packet.count)
            while offset < limit {
                let first = packet[offset]
                if isOneByteForm {
                    // A zero byte is padding. Identifier 0 with a length is not allowed and skipped in the same way,
                    // one byte at a time (§4.2: "it MUST be ignored" together with its data).
                    let length = Int(first & 0x0F) + 1
                    if first == 0 {
                        offset += 1
                        continue
                    }
                    // "If the ID value 15 is used ... processing should terminate at that point" (§4.2).
                    guard first >> 4 != 15, offset + 1 + length <= limit else { break }
                    let range = (offset + 1)..<(offset + 1 + length)
                    offset = range.upperBound
                    if first >> 4 == 0 { continue }
                    return (first >> 4, range)
                }
                if first == 0 {
                    offset += 1
                    continue
                }
                guard offset + 2 <= limit else { break }
                let length = Int(packet[offset + 1])
                guard offset + 2 + length <= limit else { break }
                let range = (offset + 2)..<(offset + 2 + length)
                offset = range.upperBound
                return (first, range)
            }
            offset = limit
            return nil
        }
    }
}
