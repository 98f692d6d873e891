package import Primitives
import STUN

/// Cuts a TCP stream from a TURN server into STUN messages, which tell their own length (RFC 8656 §3.1).
///
/// Memory is bounded: of a message that has not come whole, at most ``maximumMessageLength`` bytes wait.
package struct TURNStream: Sendable {
    /// More than any answer of a TURN server to a client that has asked for no data.
    package static let maximumMessageLength = 4096

    private var buffer: [UInt8] = []

    package init() {}

    /// Takes the next bytes of the stream.
    ///
    /// - Parameter bytes: What was read.
    /// - Returns: The messages that they complete, in order.
    /// - Throws: ``ParseError`` for anything that is no STUN message, and for one that is too long. There is no way
    ///   back into the stream's rhythm then: the connection is of no more use.
    package mutating func receive(_ bytes: Span<UInt8>) throws(ParseError) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        for index in bytes.indices {
            buffer.append(bytes[index])
            guard buffer.count >= 4 else { continue }
            guard buffer[0] & 0xC0 == 0 else { throw .invalid(field: "TURN stream") }
            let length = STUNMessage.headerLength + (Int(buffer[2]) << 8 | Int(buffer[3]))
            guard length <= Self.maximumMessageLength else { throw .limitExceeded(what: "TURN message") }
            if buffer.count == length {
                messages.append(buffer)
                buffer.removeAll(keepingCapacity: true)
            }
        }
        return messages
    }
}
