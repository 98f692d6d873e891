import RTP

/// Adds a dependency descriptor to the header extension of a packet that is being written.
///
/// It is not part of ``HeaderExtensionTemplate``, which has one size for all packets: descriptors of key frames are ten times
/// as long as others, and too long for the one-byte form (RFC 8285 §4.2).
package enum DescriptorExtension {
    private static let headerLength = 4
    /// Bytes of the longest element of the one-byte form.
    private static let longestShort = 16

    /// Bytes that ``append(_:id:limit:shift:to:length:)`` writes at most behind `length`: the descriptor and its header, padding,
    /// a header of the whole, and a byte more for each of what can be there already.
    package static func room(for descriptor: KeptDescriptor) -> Int { descriptor.length + 2 + 3 + headerLength + 8 }

    /// Appends the descriptor.
    ///
    /// - Parameters:
    ///   - descriptor: Of the packet.
    ///   - id: The id that the viewer gave it, 1...14.
    ///   - limit: What the viewer is sent.
    ///   - shift: Added to the frame number.
    ///   - output: Where the extension begins; with ``room(for:)`` behind `length`.
    ///   - length: Bytes of the extension in the one-byte form that is there; 0 for none.
    /// - Returns: Bytes of the whole extension now.
    package static func append(
        _ descriptor: KeptDescriptor, id: UInt8, limit: LayerLimit, shift: UInt16, to output: UnsafeMutableRawPointer,
        length: Int
    ) -> Int {
        let isShort = descriptor.length <= longestShort
        var end = max(length, headerLength)
        if isShort {
            output.storeBytes(of: id << 4 | UInt8(descriptor.length - 1), toByteOffset: end, as: UInt8.self)
            end += 1
        } else {
            end = widen(output, length: length)
            output.storeBytes(of: id, toByteOffset: end, as: UInt8.self)
            output.storeBytes(of: UInt8(descriptor.length), toByteOffset: end + 1, as: UInt8.self)
            end += 2
        }
        descriptor.write(to: output + end, limit: limit, shift: shift)
        end += descriptor.length
        while end % 4 != 0 {
            output.storeBytes(of: 0, toByteOffset: end, as: UInt8.self)
            end += 1
        }
        let profile = isShort ? RTPHeaderExtensions.oneByteProfile : RTPHeaderExtensions.twoByteProfile
        output.storeBytes(of: profile.bigEndian, as: UInt16.self)
        let words = UInt16(truncatingIfNeeded: (end - headerLength) / 4)
        output.storeBytes(of: words.bigEndian, toByteOffset: 2, as: UInt16.self)
        return end
    }

    /// Rewrites the elements that are there in the two-byte form (RFC 8285 §4.3).
    ///
    /// - Returns: Where the last one ends.
    private static func widen(_ output: UnsafeMutableRawPointer, length: Int) -> Int {
        guard length > headerLength else { return headerLength }
        return withUnsafeTemporaryAllocation(byteCount: length, alignment: 8) { narrow in
            narrow.copyMemory(from: UnsafeRawBufferPointer(start: output, count: length))
            var read = headerLength
            var write = headerLength
            while read < length {
                let first = narrow[read]
                read += 1
                guard first != 0 else { continue }
                let count = Int(first & 0x0F) + 1
                guard read + count <= length else { break }
                output.storeBytes(of: first >> 4, toByteOffset: write, as: UInt8.self)
                output.storeBytes(of: UInt8(count), toByteOffset: write + 1, as: UInt8.self)
                for index in 0..<count {
                    output.storeBytes(of: narrow[read + index], toByteOffset: write + 2 + index, as: UInt8.self)
                }
                read += count
                write += 2 + count
            }
            return write
        }
    }
}
