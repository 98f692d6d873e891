import Primitives

/// The end of one or more streams (RFC 3550 §6.6).
package struct Goodbye: Equatable, Sendable {
    /// At most 31.
    package var sources: [UInt32]
    /// At most 255 bytes of UTF-8; more are cut off when written.
    package var reason: String?

    package init(sources: [UInt32], reason: String? = nil) {
        self.sources = sources
        self.reason = reason
    }

    /// Parses what follows the four-byte RTCP header, whose count field is `sourceCount` (0 is allowed).
    init(parsing reader: inout ByteReader, sourceCount: Int) throws(ParseError) {
        sources = []
        for _ in 0..<sourceCount { sources.append(try reader.readInteger()) }
        guard reader.remaining > 0 else { return }
        let length: UInt8 = try reader.readInteger()
        reason = try reader.readString(Int(length))
    }

    func writeBody(to writer: inout ByteWriter) {
        for source in sources { writer.write(source) }
        guard let reason else { return }
        let text = Array(reason.utf8.prefix(255))
        writer.write(UInt8(truncatingIfNeeded: text.count))
        writer.write(text)
        writer.writeZeros((4 - (text.count + 1) % 4) % 4)
    }
}
