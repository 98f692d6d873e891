import CLinux
import Glibc
import ICE
import Primitives

/// A TCP connection whose first frame names one of our workers, on its way there.
struct AcceptedStream: Sendable {
    var descriptor: Int32
    var address: TransportAddress
    /// What has been read of it so far.
    var bytes: [UInt8]
}

/// The TCP connections of one worker, beside its UDP socket.
///
/// Owned by one thread. A connection's number has its slot in the lower bits and a generation above them, so that it
/// is found without a search and its successor in the slot is told apart.
final class StreamConnections {
    /// Connections at most; those beyond are closed.
    static let capacity = 1024
    private static let slotBits: UInt32 = 10
    /// Bytes read by one system call.
    private static let receiveSize = 64 << 10
    /// Beyond what may leave now, the kernel gets this much: what waits should wait where it can still be dropped.
    private static let unsentBytes: Int32 = 16 << 10

    private var table = SlotTable<StreamConnection>(capacity: 16)
    private let scratch = StreamScratch()
    private let receiveBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: receiveSize, alignment: 64)
    private var generation: UInt32 = 0
    private let maximum: Int
    private let queueCapacity: Int
    /// Told when a connection's wish to know of room changes.
    private let watchOutput: (Int32, UInt32, Bool) -> Void

    private var datagramsDropped = 0

    /// No connections yet.
    ///
    /// `watchOutput` gets a descriptor, the connection's number, and whether to watch for room.
    init(
        capacity maximum: Int = StreamConnections.capacity,
        queueCapacity: Int = StreamConnection.queueCapacity,
        watchOutput: @escaping (Int32, UInt32, Bool) -> Void
    ) {
        self.maximum = min(maximum, Self.capacity)
        self.queueCapacity = queueCapacity
        self.watchOutput = watchOutput
    }

    deinit {
        scratch.deallocate()
        receiveBuffer.deallocate()
    }

    var count: Int { table.count }

    // MARK: Coming and going

    /// Takes a connection over.
    ///
    /// - Returns: Where its datagrams come from; `nil` when there are too many connections, and this one is closed.
    func add(_ stream: AcceptedStream) -> TransportAddress? {
        guard table.count < maximum else {
            close(stream.descriptor)
            return nil
        }
        martlet_tune_stream(stream.descriptor, Self.unsentBytes)
        // 21 bits of it go into the number, which must not be 0; the highest bit is that of links.
        generation = generation % (1 << (31 - Self.slotBits) - 1) + 1
        let slot = table.nextSlot
        var address = stream.address
        address.connection = generation << Self.slotBits | UInt32(truncatingIfNeeded: slot)
        let inserted = table.insert(
            StreamConnection(descriptor: stream.descriptor, address: address, queueCapacity: queueCapacity))
        assert(inserted == slot, "the number names the slot")
        return address
    }

    func descriptor(of number: UInt32) -> Int32? { slot(of: number).map { table[$0].pointee.descriptor } }
    func address(of number: UInt32) -> TransportAddress? { slot(of: number).map { table[$0].pointee.address } }

    /// Closes a connection.
    func remove(_ number: UInt32) {
        guard let slot = slot(of: number) else { return }
        _ = table.remove(slot)
    }

    /// Closes connections that belonged to nobody at the last call and do not now.
    ///
    /// Two calls, so that the last words of a session that has just ended still get out.
    func removeStrangers(isKnown: (TransportAddress) -> Bool) {
        for slot in 0..<table.capacity where table.contains(slot) {
            let address = table[slot].pointee.address
            let isStranger = !isKnown(address)
            if isStranger, table[slot].pointee.isStranger {
                remove(address.connection)
            } else {
                table[slot].pointee.isStranger = isStranger
            }
        }
    }

    private func slot(of number: UInt32) -> Int? {
        let slot = Int(number & (1 << Self.slotBits - 1))
        guard number != 0, table.contains(slot), table[slot].pointee.address.connection == number else { return nil }
        return slot
    }

    // MARK: In

    /// Reads what has come by a connection and hands over its datagrams, to be changed in place.
    ///
    /// - Returns: Whether the connection goes on; if not, it is to be removed.
    func receive(
        _ number: UInt32,
        _ body: (UnsafeMutableRawBufferPointer, TransportAddress) -> Void
    ) -> Bool {
        guard let slot = slot(of: number) else { return true }
        let count = table[slot].pointee.read(into: receiveBuffer)
        if count > 0 { deframe(UnsafeMutableRawBufferPointer(rebasing: receiveBuffer[..<count]), slot: slot, body) }
        return !table[slot].pointee.isBroken
    }

    /// Hands over the datagrams in bytes that were read before the connection came here.
    ///
    /// - Returns: Whether the connection goes on.
    func receive(
        _ bytes: [UInt8],
        by number: UInt32,
        _ body: (UnsafeMutableRawBufferPointer, TransportAddress) -> Void
    ) -> Bool {
        guard let slot = slot(of: number) else { return true }
        var bytes = bytes
        bytes.withUnsafeMutableBytes { deframe($0, slot: slot, body) }
        return !table[slot].pointee.isBroken
    }

    private func deframe(
        _ bytes: UnsafeMutableRawBufferPointer,
        slot: Int,
        _ body: (UnsafeMutableRawBufferPointer, TransportAddress) -> Void
    ) {
        // `body` may send by this connection: the deframer is out of the table meanwhile.
        var deframer = StreamDeframer()
        swap(&deframer, &table[slot].pointee.deframer)
        let address = table[slot].pointee.address
        do throws(ParseError) {
            try deframer.receive(bytes) { body($0, address) }
        } catch {
            table[slot].pointee.giveUp()
        }
        swap(&deframer, &table[slot].pointee.deframer)
    }

    // MARK: Out

    /// Sends a run of datagrams by the connection that its destination names; lost when that is no more.
    func send(_ message: OutgoingMessage, arena: UnsafeRawPointer) {
        guard let slot = slot(of: message.destination.connection) else {
            datagramsDropped += message.datagramCount
            return
        }
        datagramsDropped += table[slot].pointee.send(message, bytes: arena + message.offset, scratch: scratch)
        watch(slot)
    }

    /// A connection has room.
    func resume(_ number: UInt32) {
        guard let slot = slot(of: number) else { return }
        table[slot].pointee.resume()
        watch(slot)
    }

    private func watch(_ slot: Int) {
        let isBlocked = table[slot].pointee.isBlocked
        guard isBlocked != table[slot].pointee.watchesOutput else { return }
        table[slot].pointee.watchesOutput = isBlocked
        watchOutput(table[slot].pointee.descriptor, table[slot].pointee.address.connection, isBlocked)
    }

    /// Datagrams that full queues and closed connections have lost since the last call.
    func takeDropped() -> Int {
        defer { datagramsDropped = 0 }
        return datagramsDropped
    }
}
