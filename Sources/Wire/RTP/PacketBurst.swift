/// RTP packets of one track that belong together (a frame, or the part of it that has arrived), in one allocation.
///
/// The unit in which packets cross threads: from a packetizer to a media worker, and from one worker to another.
package struct PacketBurst: Sendable {
    /// Where one packet lies in ``bytes``.
    package struct Entry: Sendable {
        package var offset: Int32
        package var length: Int32
    }

    /// Whole RTP packets, header included, one after the other.
    package var bytes: [UInt8]
    package var entries: [Entry]

    package init(capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
        entries = []
    }

    package var isEmpty: Bool { entries.isEmpty }

    /// Appends a packet that `body` writes to the end of ``bytes``.
    package mutating func append(_ body: (inout [UInt8]) -> Void) {
        let start = bytes.count
        body(&bytes)
        entries.append(Entry(offset: Int32(start), length: Int32(bytes.count - start)))
    }
}
