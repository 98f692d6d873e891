import Primitives

/// Names for streams; the canonical name (CNAME) says which belong together (RFC 3550 §6.5).
package struct SourceDescription: Equatable, Sendable {
    /// The item type of the canonical name.
    package static let canonicalNameType: UInt8 = 1

    package struct Item: Equatable, Sendable {
        /// Never 0, which ends a list.
        package var type: UInt8
        /// At most 255 bytes of UTF-8; more are cut off when written.
        package var text: String

        package init(type: UInt8, text: String) {
            self.type = type
            self.text = text
        }
    }

    package struct Chunk: Equatable, Sendable {
        package var ssrc: UInt32
        package var items: [Item]

        package init(ssrc: UInt32, items: [Item]) {
            self.ssrc = ssrc
            self.items = items
        }
    }

    /// At most 31.
    package var chunks: [Chunk]

    package init(chunks: [Chunk]) {
        self.chunks = chunks
    }

    /// One stream's canonical name, which is all that we send.
    package init(ssrc: UInt32, canonicalName: String) {
        chunks = [Chunk(ssrc: ssrc, items: [Item(type: Self.canonicalNameType, text: canonicalName)])]
    }

    /// Parses what follows the four-byte RTCP header, whose count field is `chunkCount`.
    ///
    /// A last chunk without its terminating zero is accepted: the packet's own length ends it just as clearly.
    init(parsing reader: inout ByteReader, chunkCount: Int) throws(ParseError) {
        chunks = []
        let total = reader.remaining
        for _ in 0..<chunkCount {
            var chunk = Chunk(ssrc: try reader.readInteger(), items: [])
            while reader.remaining > 0 {
                let type: UInt8 = try reader.readInteger()
                if type == 0 {
                    // Zeros up to the next 32-bit boundary of the packet.
                    let consumed = total - reader.remaining
                    try reader.skip((4 - consumed % 4) % 4)
                    break
                }
                let length: UInt8 = try reader.readInteger()
                chunk.items.append(Item(type: type, text: try reader.readString(Int(length))))
            }
            chunks.append(chunk)
        }
    }

    func writeBody(to writer: inout ByteWriter) {
        for chunk in chunks {
            let start = writer.count
            writer.write(chunk.ssrc)
            for item in chunk.items where item.type != 0 {
                let text = Array(item.text.utf8.prefix(255))
                writer.write(item.type)
                writer.write(UInt8(truncatingIfNeeded: text.count))
                writer.write(text)
            }
            // At least one zero ends the list, and up to three more fill the word.
            writer.writeZeros(4 - (writer.count - start) % 4)
        }
    }
}
