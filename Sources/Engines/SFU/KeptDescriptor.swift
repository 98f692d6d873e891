/// A dependency descriptor as the packet log keeps it: what viewers are sent, and where it differs for those who are not sent
/// everything.
///
/// Two counts stand before it, the layers of the decode targets and the place of their mask behind it, so that a packet
/// needs nothing else to be sent to anybody, at any time.
package struct KeptDescriptor {
    /// Valid as long as the log's bytes are.
    private let kept: UnsafeRawBufferPointer

    private static let headerLength = 2
    private static let offsetLength = 2

    /// Lays a descriptor out for the log.
    ///
    /// - Parameters:
    ///   - descriptor: As all viewers are sent it.
    ///   - decodeTargets: The layers of each, from the lowest bit of the mask up; empty where there is no mask.
    ///   - offset: Where the mask begins in `descriptor`, in bits.
    /// - Returns: Nothing for a descriptor that no header extension can hold.
    static func bytes(_ descriptor: [UInt8], decodeTargets: [PacketLayer] = [], offset: Int = 0) -> [UInt8] {
        guard let length = UInt8(exactly: descriptor.count), let count = UInt8(exactly: decodeTargets.count) else {
            return []
        }
        var bytes = [length, count]
        bytes += descriptor
        guard count > 0 else { return bytes }
        for target in decodeTargets { bytes.append(target.spatial | target.temporal << 3) }
        bytes.append(UInt8(truncatingIfNeeded: offset >> 8))
        bytes.append(UInt8(truncatingIfNeeded: offset))
        return bytes
    }

    /// The descriptor that begins at this place of a log.
    package init(at start: UnsafeRawPointer) {
        let descriptor = Int(start.load(as: UInt8.self))
        let targets = Int(start.load(fromByteOffset: 1, as: UInt8.self))
        let behind = targets == 0 ? 0 : targets + Self.offsetLength
        kept = UnsafeRawBufferPointer(start: start, count: Self.headerLength + descriptor + behind)
    }

    /// All bytes that the log keeps of it.
    package var storage: UnsafeRawBufferPointer { kept }
    /// Bytes of the descriptor itself, 3...255.
    package var length: Int { Int(kept[0]) }

    /// The number of its frame.
    package var frameNumber: UInt16 { UInt16(kept[Self.headerLength + 1]) << 8 | UInt16(kept[Self.headerLength + 2]) }

    /// Writes the descriptor for a viewer.
    ///
    /// Decode targets that the viewer is not sent in full are marked as inactive: it would wait for their frames.
    ///
    /// - Parameters:
    ///   - output: With room for ``length`` bytes.
    ///   - limit: What the viewer is sent.
    ///   - shift: Added to the frame number.
    package func write(to output: UnsafeMutableRawPointer, limit: LayerLimit, shift: UInt16) {
        guard let start = kept.baseAddress else { return }
        output.copyMemory(from: start + Self.headerLength, byteCount: length)
        if shift != 0 {
            output.storeBytes(of: (frameNumber &+ shift).bigEndian, toByteOffset: 1, as: UInt16.self)
        }
        guard limit != .none else { return }
        let count = Int(kept[1])
        let targets = Self.headerLength + length
        guard count > 0 else { return }
        let offset = Int(kept[targets + count]) << 8 | Int(kept[targets + count + 1])
        for target in 0..<count {
            let layers = kept[targets + target]
            guard layers & 7 > limit.spatial || layers >> 3 > limit.temporal else { continue }
            // The highest target comes first.
            let bit = offset + count - 1 - target
            let byte = output.load(fromByteOffset: bit / 8, as: UInt8.self)
            output.storeBytes(of: byte & ~(0x80 >> UInt8(bit % 8)), toByteOffset: bit / 8, as: UInt8.self)
        }
    }
}
