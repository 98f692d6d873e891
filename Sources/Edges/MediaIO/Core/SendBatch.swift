package import Primitives

/// One datagram, or a run of equal datagrams to one destination, waiting in a ``SendBatch``.
package struct OutgoingMessage: Sendable {
    /// Where the run begins in the arena.
    package var offset: Int
    /// Bytes of the whole run.
    package var length: Int
    /// Bytes of each datagram of the run but the last, which may be shorter.
    package var segmentSize: Int
    package var destination: TransportAddress

    /// The number of datagrams in the run.
    package var datagramCount: Int { segmentSize == 0 ? 1 : (length + segmentSize - 1) / segmentSize }

    /// Forgets the first `count` bytes, which have left.
    mutating func removeFirst(_ count: Int) {
        offset += count
        length -= count
    }
}

/// Where a batch goes when it is full or the worker has nothing left to do: a socket, or a test.
package protocol DatagramSink: AnyObject {
    /// Sends messages in order.
    ///
    /// Less than everything means that the socket is full: the rest stays with the caller until
    /// ``SendBatch/resume()``. A message that can never be sent counts as gone.
    func send(_ messages: UnsafeBufferPointer<OutgoingMessage>, arena: UnsafeRawPointer) -> SendProgress
}

/// How far a ``DatagramSink`` got.
package struct SendProgress: Equatable, Sendable {
    /// Whole messages that left, from the front.
    package var messages: Int
    /// Bytes of the message after those that left as datagrams of their own.
    package var bytesOfNext: Int

    package init(messages: Int, bytesOfNext: Int = 0) {
        self.messages = messages
        self.bytesOfNext = bytesOfNext
    }
}

/// Collects encrypted datagrams in one arena, grouped into runs that the kernel can take as one (UDP GSO).
///
/// Datagrams are written in place: ``reserve(_:)`` gives room, ``commit(_:)`` takes what was written.
/// What a full socket refuses is copied into a bounded overflow queue and leaves first, in order,
/// when the socket has room again; until then ``isBlocked`` asks producers to hold back.
package struct SendBatch: ~Copyable {
    /// The kernel takes at most this many segments in one call (UDP_MAX_SEGMENTS).
    package static let maximumSegments = 64
    private static let maximumRunLength = 62_000
    private static let arenaCapacity = 1 << 20
    private static let messageCapacity = 256
    /// Bytes that may wait for a full socket before datagrams are dropped.
    package static let overflowLimit = 8 << 20

    private struct Waiting {
        var bytes: [UInt8]
        var message: OutgoingMessage
    }

    private let sink: any DatagramSink
    private let arena: UnsafeMutableRawPointer
    private var used = 0
    private let messages: UnsafeMutablePointer<OutgoingMessage>
    private var messageCount = 0
    private var destination = TransportAddress(high: 0, low: 0, port: 0)
    private var runIsOpen = false

    private var overflow: [Waiting] = []
    private var overflowStart = 0
    private var overflowBytes = 0

    package private(set) var datagramsSent = 0
    package private(set) var bytesSent = 0
    /// Datagrams that neither the socket nor the overflow queue could take.
    package private(set) var datagramsDropped = 0

    package init(sink: any DatagramSink) {
        self.sink = sink
        arena = .allocate(byteCount: Self.arenaCapacity, alignment: 64)
        messages = .allocate(capacity: Self.messageCapacity)
    }

    deinit {
        arena.deallocate()
        messages.deallocate()
    }

    /// Whether datagrams wait for the socket: new media should stay where it is.
    package var isBlocked: Bool { overflowStart < overflow.count }
    /// What has been sent since the start.
    package var totals: (datagrams: Int, bytes: Int, dropped: Int) { (datagramsSent, bytesSent, datagramsDropped) }
    package var isEmpty: Bool { messageCount == 0 }

    // MARK: Writing

    /// Directs the datagrams that follow at `address`.
    @inline(__always)
    package mutating func beginRun(to address: TransportAddress) {
        destination = address
        runIsOpen = false
    }

    /// Room for one datagram of up to `maximum` bytes (at most 64 KB), valid until the next call.
    @inline(__always)
    package mutating func reserve(_ maximum: Int) -> UnsafeMutableRawPointer {
        if used + maximum > Self.arenaCapacity || messageCount == Self.messageCapacity { flush() }
        return arena + used
    }

    /// Takes the first `length` bytes of the reserved room as a datagram to the current destination.
    @inline(__always)
    package mutating func commit(_ length: Int) {
        datagramsSent += 1
        bytesSent += length
        if runIsOpen {
            let last = messages + (messageCount - 1)
            let segment = last.pointee.segmentSize
            if length <= segment, last.pointee.length + length <= Self.maximumRunLength,
                last.pointee.length < segment * Self.maximumSegments
            {
                last.pointee.length += length
                used += length
                // A shorter datagram can only be the last of its run.
                runIsOpen = length == segment
                return
            }
        }
        messages[messageCount] = OutgoingMessage(
            offset: used,
            length: length,
            segmentSize: length,
            destination: destination
        )
        messageCount += 1
        used += length
        runIsOpen = true
    }

    /// Sends one ready-made datagram.
    package mutating func send(_ datagram: [UInt8], to address: TransportAddress) {
        guard !datagram.isEmpty, datagram.count <= 65_000 else { return }
        beginRun(to: address)
        let room = reserve(datagram.count)
        datagram.withUnsafeBytes { bytes in
            room.copyMemory(from: bytes.baseAddress.unsafelyUnwrapped, byteCount: bytes.count)
        }
        commit(datagram.count)
        runIsOpen = false
    }

    // MARK: Sending

    /// Hands everything to the sink; what it refuses waits in the overflow queue.
    package mutating func flush() {
        guard messageCount > 0 else { return }
        var sent = SendProgress(messages: 0)
        if !isBlocked {
            sent = sink.send(
                UnsafeBufferPointer(start: messages, count: messageCount),
                arena: UnsafeRawPointer(arena)
            )
        }
        for index in sent.messages..<messageCount {
            if index == sent.messages { messages[index].removeFirst(sent.bytesOfNext) }
            keep(messages[index])
        }
        messageCount = 0
        used = 0
        runIsOpen = false
    }

    private mutating func keep(_ message: OutgoingMessage) {
        guard overflowBytes + message.length <= Self.overflowLimit else {
            datagramsSent -= message.datagramCount
            bytesSent -= message.length
            datagramsDropped += message.datagramCount
            return
        }
        let bytes = [UInt8](UnsafeRawBufferPointer(start: arena + message.offset, count: message.length))
        var message = message
        message.offset = 0
        overflow.append(Waiting(bytes: bytes, message: message))
        overflowBytes += bytes.count
    }

    /// Sends what waited for the socket, in order.
    ///
    /// Call when the socket has room again.
    ///
    /// - Returns: Whether nothing waits any more.
    package mutating func resume() -> Bool {
        while overflowStart < overflow.count {
            let waiting = overflow[overflowStart]
            let sent: SendProgress = waiting.bytes.withUnsafeBytes { bytes in
                withUnsafePointer(to: waiting.message) { message in
                    sink.send(
                        UnsafeBufferPointer(start: message, count: 1),
                        arena: bytes.baseAddress.unsafelyUnwrapped
                    )
                }
            }
            guard sent.messages == 1 else {
                overflow[overflowStart].message.removeFirst(sent.bytesOfNext)
                return false
            }
            overflow[overflowStart].bytes = []
            overflowBytes -= waiting.bytes.count
            overflowStart += 1
        }
        overflow.removeAll(keepingCapacity: false)
        overflowStart = 0
        return true
    }
}
