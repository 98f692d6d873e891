import Primitives

/// Builds boxes inside boxes; the size of each is filled in when it is complete.
package struct BoxWriter: Sendable {
    /// What has been written so far.
    package private(set) var bytes: [UInt8]

    package init(capacity: Int = 1_024) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Appends a box (ISO/IEC 14496-12 §4.2).
    ///
    /// - Precondition: The box, with all that `content` writes, is smaller than 4 GiB.
    package mutating func box(_ type: BoxType, _ content: (inout BoxWriter) -> Void) {
        let start = bytes.count
        write(UInt32(0))
        write(type.rawValue)
        content(&self)
        let size = bytes.count - start
        precondition(size <= UInt32.max, "boxes of ours have 32-bit sizes")
        overwrite(UInt32(size), at: start)
    }

    /// Appends a box with a version and flags.
    package mutating func fullBox(
        _ type: BoxType,
        version: UInt8 = 0,
        flags: UInt32 = 0,
        _ content: (inout BoxWriter) -> Void
    ) {
        box(type) { box in
            box.write(UInt32(version) << 24 | flags & 0xFF_FFFF)
            content(&box)
        }
    }

    package mutating func write(_ value: some FixedWidthInteger & UnsignedInteger) {
        var shift = value.bitWidth - 8
        while shift >= 0 {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
            shift -= 8
        }
    }

    package mutating func write(_ array: [UInt8]) {
        bytes.append(contentsOf: array)
    }

    package mutating func writeZeros(_ count: Int) {
        bytes.append(contentsOf: repeatElement(0, count: count))
    }

    /// Overwrites four bytes written earlier, for fields that are known late.
    ///
    /// - Precondition: They lie within what has been written.
    mutating func overwrite(_ value: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset + 4 <= bytes.count, "a field is patched where it was reserved")
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * index)) }
    }
}
