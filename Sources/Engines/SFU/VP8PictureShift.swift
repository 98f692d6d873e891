/// Makes the picture identifiers of two VP8 encodings one after the other (RFC 7741 §4.2).
///
/// Each encoding counts its pictures from an arbitrary start. A viewer that was switched from one to the other must see
/// the count go on, or its decoder waits for pictures that never were.
package struct VP8PictureShift: Equatable, Sendable {
    /// Added to PictureID, modulo 2^15 or 2^7, and to TL0PICIDX, modulo 2^8.
    package var pictureID: UInt16
    package var tl0PicIdx: UInt8

    package static let none = VP8PictureShift(pictureID: 0, tl0PicIdx: 0)

    package init(pictureID: UInt16, tl0PicIdx: UInt8) {
        self.pictureID = pictureID
        self.tl0PicIdx = tl0PicIdx
    }

    /// Where the fields of a descriptor lie, and what they hold.
    private struct Fields {
        var pictureID: UInt16?
        var pictureIDOffset = 0
        var isLong = false
        var tl0PicIdx: UInt8?
        var tl0Offset = 0

        init(_ payload: UnsafeRawBufferPointer) {
            guard payload.count >= 2, payload[0] & 0x80 != 0 else { return }
            let extensions = payload[1]
            var offset = 2
            if extensions & 0x80 != 0 {
                guard offset < payload.count else { return }
                isLong = payload[offset] & 0x80 != 0
                pictureIDOffset = offset
                if isLong {
                    guard offset + 1 < payload.count else { return }
                    pictureID = UInt16(payload[offset] & 0x7F) << 8 | UInt16(payload[offset + 1])
                    offset += 2
                } else {
                    pictureID = UInt16(payload[offset])
                    offset += 1
                }
            }
            guard extensions & 0x40 != 0, offset < payload.count else { return }
            tl0Offset = offset
            tl0PicIdx = payload[offset]
        }
    }

    /// The shift under which `first`, a packet of the new encoding, follows `last`, one of the old that was sent
    /// under `shift`.
    ///
    /// Descriptors without these fields, or cut short, are left as they are.
    package static func joining(
        _ last: UnsafeRawBufferPointer, sentUnder shift: VP8PictureShift, to first: UnsafeRawBufferPointer
    ) -> VP8PictureShift {
        let before = Fields(last)
        let after = Fields(first)
        var result = VP8PictureShift.none
        if let old = before.pictureID, let new = after.pictureID {
            result.pictureID = old &+ shift.pictureID &+ 1 &- new
        }
        if let old = before.tl0PicIdx, let new = after.tl0PicIdx {
            result.tl0PicIdx = old &+ shift.tl0PicIdx &+ 1 &- new
        }
        return result
    }

    /// Applies the shift to a payload in place.
    package func apply(to payload: UnsafeMutableRawBufferPointer) {
        let fields = Fields(UnsafeRawBufferPointer(payload))
        if let old = fields.pictureID {
            let new = old &+ pictureID
            if fields.isLong {
                payload[fields.pictureIDOffset] = 0x80 | UInt8(truncatingIfNeeded: new >> 8) & 0x7F
                payload[fields.pictureIDOffset + 1] = UInt8(truncatingIfNeeded: new)
            } else {
                payload[fields.pictureIDOffset] = UInt8(truncatingIfNeeded: new) & 0x7F
            }
        }
        if let old = fields.tl0PicIdx { payload[fields.tl0Offset] = old &+ tl0PicIdx }
    }
}
