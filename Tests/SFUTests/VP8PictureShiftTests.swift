import Primitives
import SFU
import TestSupport
import Testing

@Suite("Picture identifiers across VP8 encodings, RFC 7741 §4.2")
struct VP8PictureShiftTests {
    private static func long(_ picture: UInt16, _ tl0: UInt8) -> [UInt8] {
        [0x90, 0xC0, 0x80 | UInt8(picture >> 8), UInt8(truncatingIfNeeded: picture), tl0, 1, 2, 3]
    }

    private static func shift(
        _ last: [UInt8], _ under: VP8PictureShift = .none, to first: [UInt8]
    ) -> VP8PictureShift {
        last.withUnsafeBytes { last in
            first.withUnsafeBytes { VP8PictureShift.joining(last, sentUnder: under, to: $0) }
        }
    }

    private static func applied(_ shift: VP8PictureShift, to payload: [UInt8]) -> [UInt8] {
        var payload = payload
        payload.withUnsafeMutableBytes { shift.apply(to: $0) }
        return payload
    }

    @Test(arguments: [(5, 9000), (9000, 5), (0x7FFF, 0), (0, 0x7FFF), (0x7FFE, 0x7FFF)] as [(UInt16, UInt16)])
    func `the count goes on, across its wrap too`(last: UInt16, first: UInt16) {
        let shift = Self.shift(Self.long(last, 250), to: Self.long(first, 3))
        #expect(Self.applied(shift, to: Self.long(first, 3)) == Self.long((last + 1) & 0x7FFF, 251))
        let second = Self.long((first + 1) & 0x7FFF, 3)
        #expect(Self.applied(shift, to: second) == Self.long((last + 2) & 0x7FFF, 251))
    }

    @Test func `a second switch builds on the first`() {
        let first = Self.shift(Self.long(100, 10), to: Self.long(2000, 20))
        let second = Self.shift(Self.long(2004, 21), first, to: Self.long(50, 7))
        #expect(Self.applied(second, to: Self.long(50, 7)) == Self.long(106, 13))
    }

    @Test func `seven bits stay seven bits`() {
        let shift = Self.shift([0x90, 0x80, 0x7F, 9], to: [0x90, 0x80, 0x05, 9])
        #expect(Self.applied(shift, to: [0x90, 0x80, 0x05, 9]) == [0x90, 0x80, 0x00, 9])
    }

    @Test func `a descriptor without the fields, or cut short anywhere, is left alone`() {
        let shift = VP8PictureShift(pictureID: 77, tl0PicIdx: 3)
        #expect(Self.applied(shift, to: [0x10, 1, 2, 3]) == [0x10, 1, 2, 3])
        let whole = Self.long(300, 9)
        for length in 0..<5 {
            let cut = Array(whole.prefix(length))
            let result = Self.applied(shift, to: cut)
            #expect(result.count == cut.count)
            #expect(Self.shift(cut, to: cut) == .none || length == 4)
        }
    }
}
