import Glibc

/// Framed datagrams that wait for a TCP connection to have room, as one ring of bytes.
///
/// Bounded: what does not fit is refused whole, so that a slow peer loses packets, as it would over UDP, rather than
/// getting them late. Holds no memory until something has had to wait.
struct FrameQueue: ~Copyable {
    let capacity: Int
    private(set) var count = 0
    private var start = 0
    private var storage: UnsafeMutableRawPointer?

    /// An empty queue for at most `capacity` bytes, headers included.
    init(capacity: Int) {
        self.capacity = capacity
    }

    deinit {
        storage?.deallocate()
    }

    var isEmpty: Bool { count == 0 }

    /// Adds bytes as they are: the rest of a frame that has left in part.
    ///
    /// - Returns: Whether there was room; if not, nothing was added.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= capacity - count else { return false }
        write(bytes)
        return true
    }

    /// Adds a datagram behind its length (RFC 4571 §2).
    ///
    /// - Parameter datagram: At most 65,535 bytes.
    /// - Returns: Whether there was room; if not, nothing was added.
    mutating func appendFrame(_ datagram: UnsafeRawBufferPointer) -> Bool {
        guard datagram.count + 2 <= capacity - count else { return false }
        withUnsafeBytes(of: UInt16(truncatingIfNeeded: datagram.count).bigEndian) { write($0) }
        write(datagram)
        return true
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        let ring = storage ?? .allocate(byteCount: capacity, alignment: 16)
        storage = ring
        let position = (start + count) % capacity
        let first = min(bytes.count, capacity - position)
        (ring + position).copyMemory(from: source, byteCount: first)
        if first < bytes.count { ring.copyMemory(from: source + first, byteCount: bytes.count - first) }
        count += bytes.count
    }

    /// The oldest bytes, as far as they lie together; empty when nothing waits.
    ///
    /// Valid until the queue changes.
    var front: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: storage.map { $0 + start }, count: min(count, capacity - start))
    }

    /// Forgets the oldest `length` bytes, which have left.
    mutating func removeFirst(_ length: Int) {
        start = (start + length) % capacity
        count -= length
        if count == 0 { start = 0 }
    }
}
