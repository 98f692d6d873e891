package import Primitives

/// Cuts a TCP stream into the datagrams framed in it: two bytes of length, then as many bytes (RFC 4571 §2).
///
/// Memory is bounded: of a frame that has not come whole, at most ``maximumFrameLength`` bytes wait.
package struct StreamDeframer: Sendable {
    /// The longest frame that is read, in bytes; no datagram of ours is longer either.
    package static let maximumFrameLength = 2048
    /// Bytes before each frame.
    package static let headerLength = 2

    /// The beginning of a frame that has not come whole, its header included.
    private var partial: [UInt8] = []

    package init() {}

    /// Takes the next bytes of the stream and hands over each datagram that they complete, to be changed in place.
    ///
    /// A frame without content is passed over.
    ///
    /// - Parameters:
    ///   - bytes: What was read; its content is not needed afterwards.
    ///   - body: Given a buffer that is valid during the call.
    /// - Throws: ``ParseError/limitExceeded(what:)`` for a frame longer than ``maximumFrameLength``. There is no way
    ///   back into the stream's rhythm then: the connection is of no more use.
    /// - Complexity: O(n); allocates only where a stream's first frames come in pieces.
    package mutating func receive(
        _ bytes: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(ParseError) {
        var position = 0
        while position < bytes.count {
            if partial.isEmpty, let length = try Self.frameLength(bytes, at: position) {
                let end = position + Self.headerLength + length
                if end <= bytes.count {
                    if length > 0 {
                        body(UnsafeMutableRawBufferPointer(rebasing: bytes[(position + Self.headerLength)..<end]))
                    }
                    position = end
                    continue
                }
            }
            position += try fill(from: UnsafeMutableRawBufferPointer(rebasing: bytes[position...]), body)
        }
    }

    /// Adds to the frame that is under way, and hands it over once it is whole.
    ///
    /// - Returns: The bytes used; at least one.
    private mutating func fill(
        from bytes: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(ParseError) -> Int {
        var used = 0
        while partial.count < Self.headerLength, used < bytes.count {
            partial.append(bytes[used])
            used += 1
        }
        guard partial.count >= Self.headerLength else { return used }
        let length = Int(partial[0]) << 8 | Int(partial[1])
        guard length <= Self.maximumFrameLength else { throw .limitExceeded(what: "frame length") }
        let missing = Self.headerLength + length - partial.count
        let taken = min(missing, bytes.count - used)
        partial.append(contentsOf: bytes[used..<(used + taken)])
        used += taken
        guard taken == missing else { return used }
        if length > 0 {
            partial.withUnsafeMutableBytes { whole in
                body(UnsafeMutableRawBufferPointer(rebasing: whole[Self.headerLength...]))
            }
        }
        partial.removeAll(keepingCapacity: true)
        return used
    }

    /// The length in a frame's header; `nil` when the header is cut short.
    private static func frameLength(
        _ bytes: UnsafeMutableRawBufferPointer,
        at position: Int
    ) throws(ParseError) -> Int? {
        guard bytes.count - position >= headerLength else { return nil }
        let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
        guard length <= maximumFrameLength else { throw .limitExceeded(what: "frame length") }
        return length
    }
}
