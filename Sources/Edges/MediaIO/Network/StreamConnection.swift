import CLinux
import Glibc
import ICE
import Primitives

/// A client's TCP connection to the media port, which carries datagrams framed as RFC 4571 says (RFC 6544).
///
/// Owned by one worker's thread; the descriptor is closed with it.
struct StreamConnection: ~Copyable {
    /// Bytes that may wait for the connection, headers included: a key frame, but no second of video.
    static let queueCapacity = 256 << 10
    /// Datagrams that one system call takes.
    static let vectorDatagrams = 64
    private static let sendFlags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)

    let descriptor: Int32
    /// Where datagrams from here come from, the connection's number included.
    let address: TransportAddress
    var deframer = StreamDeframer()
    private var queue: FrameQueue
    /// Whether the connection is of no more use and waits to be closed.
    private(set) var isBroken = false
    /// Whether the epoll set watches for room.
    var watchesOutput = false
    /// Whether no session had the address when it was last looked for.
    var isStranger = false

    /// Takes over a connected, nonblocking socket.
    init(descriptor: Int32, address: TransportAddress, queueCapacity: Int = Self.queueCapacity) {
        self.descriptor = descriptor
        self.address = address
        queue = FrameQueue(capacity: queueCapacity)
    }

    deinit {
        close(descriptor)
    }

    /// Whether something waits for room.
    var isBlocked: Bool { !queue.isEmpty && !isBroken }

    // MARK: Out

    /// Sends a run of datagrams, or queues what the kernel does not take now; the rest is lost.
    ///
    /// - Parameters:
    ///   - message: The run.
    ///   - bytes: Its bytes.
    ///   - scratch: For headers and vectors.
    /// - Returns: How many datagrams are lost.
    mutating func send(_ message: OutgoingMessage, bytes: UnsafeRawPointer, scratch: StreamScratch) -> Int {
        var offset = 0
        while offset < message.length, queue.isEmpty, !isBroken {
            offset += sendDirectly(message, from: offset, bytes: bytes, scratch: scratch)
        }
        var lost = 0
        while offset < message.length {
            let length = min(message.segmentSize, message.length - offset)
            if isBroken || !queue.appendFrame(UnsafeRawBufferPointer(start: bytes + offset, count: length)) {
                lost += 1
            }
            offset += length
        }
        return lost
    }

    /// Offers the kernel up to ``vectorDatagrams`` datagrams; what it takes in part is queued to the frame's end.
    ///
    /// - Returns: The bytes of the run that have left or are queued; 0 when the connection has broken.
    private mutating func sendDirectly(
        _ message: OutgoingMessage,
        from start: Int,
        bytes: UnsafeRawPointer,
        scratch: StreamScratch
    ) -> Int {
        var count = 0
        var offset = start
        while count < Self.vectorDatagrams, offset < message.length {
            let length = min(message.segmentSize, message.length - offset)
            scratch.headers[count] = UInt16(truncatingIfNeeded: length).bigEndian
            scratch.vectors[2 * count] = iovec(iov_base: scratch.headers + count, iov_len: 2)
            scratch.vectors[2 * count + 1] = iovec(
                iov_base: UnsafeMutableRawPointer(mutating: bytes + offset),
                iov_len: length
            )
            offset += length
            count += 1
        }
        var header = msghdr()
        header.msg_iov = scratch.vectors
        header.msg_iovlen = 2 * count
        var taken = write { sendmsg($0, &header, Self.sendFlags) }
        guard !isBroken else { return 0 }
        // Also of a full kernel the first frame is dealt with: it begins the queue.
        var frame = 0
        var dealtWith = 0
        repeat {
            let length = scratch.vectors[2 * frame + 1].iov_len
            if taken < length + 2 { queueRest(ofFrame: frame, beyond: taken, scratch: scratch) }
            taken -= min(taken, length + 2)
            dealtWith += length
            frame += 1
        } while taken > 0
        return dealtWith
    }

    /// Queues what the kernel left of a frame: nothing else may come before it.
    private mutating func queueRest(ofFrame index: Int, beyond taken: Int, scratch: StreamScratch) {
        let header = UnsafeRawBufferPointer(start: scratch.headers + index, count: 2)
        let vector = scratch.vectors[2 * index + 1]
        let body = UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len)
        var isQueued = true
        if taken < 2 { isQueued = queue.append(UnsafeRawBufferPointer(rebasing: header[taken...])) }
        isQueued = queue.append(UnsafeRawBufferPointer(rebasing: body[max(taken - 2, 0)...])) && isQueued
        // Not with a queue that has room for the largest datagram. After half a frame the stream has lost its rhythm.
        if !isQueued { giveUp() }
    }

    /// Sends what waits, as far as the kernel takes it.
    mutating func resume() {
        while !queue.isEmpty, !isBroken {
            let front = queue.front
            let sent = write { Glibc.send($0, front.baseAddress, front.count, Self.sendFlags) }
            guard sent > 0 else { return }
            queue.removeFirst(sent)
        }
    }

    /// Runs a system call that writes; 0 bytes when the kernel is full, or the connection has broken.
    private mutating func write(_ call: (Int32) -> Int) -> Int {
        while true {
            let count = call(descriptor)
            if count >= 0 { return count }
            switch errno {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK, ENOBUFS: return 0
            default:
                isBroken = true
                return 0
            }
        }
    }

    // MARK: In

    /// Reads once.
    ///
    /// - Returns: The bytes read; 0 when there are none now, or the connection has ended.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
        if count > 0 { return count }
        if count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) { isBroken = true }
        return 0
    }

    /// Gives the connection up: the stream makes no sense any more, in either direction.
    ///
    /// The owner's epoll set then reports its end.
    mutating func giveUp() {
        isBroken = true
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}

/// Memory for one system call that writes to a ``StreamConnection``; shared by all of a worker's.
struct StreamScratch {
    let headers: UnsafeMutablePointer<UInt16>
    let vectors: UnsafeMutablePointer<iovec>

    /// Never freed by itself: see ``deallocate()``.
    init() {
        headers = .allocate(capacity: StreamConnection.vectorDatagrams)
        vectors = .allocate(capacity: 2 * StreamConnection.vectorDatagrams)
    }

    func deallocate() {
        headers.deallocate()
        vectors.deallocate()
    }
}
