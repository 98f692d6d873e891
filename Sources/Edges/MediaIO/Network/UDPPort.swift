import CLinux
import Glibc
import Primitives

/// One worker's socket on the shared UDP port: recvmmsg in, GSO and sendmmsg out.
///
/// Owned by one thread. Buffers and message headers are allocated once.
package final class UDPPort: DatagramSink {
    /// Datagrams taken by one system call.
    private static let receiveCount = 64
    private static let receiveSize = 2048
    private static let sendCount = 64
    /// Bytes of `in6_pktinfo`, the larger of the two forms.
    private static let packetInformationSize = 20
    /// Routes remembered for refusing segmentation, at most.
    private static let maximumRefusals = 4096

    package let descriptor: Int32
    private let family: Int32
    private let receiveBuffer: UnsafeMutableRawPointer
    private let receiveMessages: UnsafeMutablePointer<martlet_mmsghdr>
    private let receiveVectors: UnsafeMutablePointer<iovec>
    private let receiveAddresses: UnsafeMutablePointer<sockaddr_in6>
    private let sendMessages: UnsafeMutablePointer<martlet_mmsghdr>
    private let sendVectors: UnsafeMutablePointer<iovec>
    private let sendAddresses: UnsafeMutablePointer<sockaddr_in6>
    private let sendControl: UnsafeMutableRawPointer
    private let controlSize: Int
    private let receiveControl: UnsafeMutableRawPointer
    private let receiveControlSize: Int
    /// `nil` when the socket has only one address.
    private var localAddresses: LocalAddressCache?

    /// Whether the kernel segments at all.
    private var segments: Bool
    private var refusals: Set<TransportAddress> = []
    /// Datagrams that can never be sent to where they should go, such as without a route.
    package private(set) var sendFailures = 0

    /// Takes over a bound, nonblocking socket.
    ///
    /// - Parameters:
    ///   - descriptor: The socket; closed with the port.
    ///   - family: `AF_INET` or `AF_INET6`.
    ///   - segments: Whether the kernel may be asked to cut runs (UDP_SEGMENT).
    ///   - localAddresses: Shared by the sockets of one port on the wildcard address, whose answers must leave
    ///     from the address that was asked.
    package init(
        descriptor: Int32,
        family: Int32,
        segments: Bool = true,
        localAddresses: LocalAddresses? = nil
    ) {
        self.descriptor = descriptor
        self.family = family
        self.segments = segments
        self.localAddresses = localAddresses.map { LocalAddressCache($0) }
        if localAddresses != nil { _ = martlet_receive_destinations(descriptor, family) }
        controlSize = martlet_cmsg_space(2) + martlet_cmsg_space(Self.packetInformationSize)
        // Room for one message of each family.
        receiveControlSize = 2 * martlet_cmsg_space(Self.packetInformationSize)
        receiveControl = .allocate(byteCount: Self.receiveCount * receiveControlSize, alignment: 16)
        receiveBuffer = .allocate(byteCount: Self.receiveCount * Self.receiveSize, alignment: 64)
        receiveMessages = .allocate(capacity: Self.receiveCount)
        receiveVectors = .allocate(capacity: Self.receiveCount)
        receiveAddresses = .allocate(capacity: Self.receiveCount)
        sendMessages = .allocate(capacity: Self.sendCount)
        sendVectors = .allocate(capacity: Self.sendCount)
        sendAddresses = .allocate(capacity: Self.sendCount)
        sendControl = .allocate(byteCount: Self.sendCount * controlSize, alignment: 16)
        sendControl.initializeMemory(as: UInt8.self, repeating: 0, count: Self.sendCount * controlSize)
        receiveMessages.initialize(repeating: martlet_mmsghdr(), count: Self.receiveCount)
        sendMessages.initialize(repeating: martlet_mmsghdr(), count: Self.sendCount)
        receiveAddresses.initialize(repeating: sockaddr_in6(), count: Self.receiveCount)
        sendAddresses.initialize(repeating: sockaddr_in6(), count: Self.sendCount)
        for index in 0..<Self.receiveCount {
            (receiveVectors + index).initialize(
                to: iovec(iov_base: receiveBuffer + index * Self.receiveSize, iov_len: Self.receiveSize)
            )
            receiveMessages[index].header.msg_iov = receiveVectors + index
            receiveMessages[index].header.msg_iovlen = 1
            receiveMessages[index].header.msg_name = UnsafeMutableRawPointer(receiveAddresses + index)
        }
        for index in 0..<Self.sendCount {
            (sendVectors + index).initialize(to: iovec())
            sendMessages[index].header.msg_iov = sendVectors + index
            sendMessages[index].header.msg_iovlen = 1
            sendMessages[index].header.msg_name = UnsafeMutableRawPointer(sendAddresses + index)
        }
    }

    deinit {
        close(descriptor)
        receiveBuffer.deallocate()
        receiveControl.deallocate()
        receiveMessages.deallocate()
        receiveVectors.deallocate()
        receiveAddresses.deallocate()
        sendMessages.deallocate()
        sendVectors.deallocate()
        sendAddresses.deallocate()
        sendControl.deallocate()
    }

    // MARK: In

    /// Takes what has arrived and hands over each datagram, to be changed in place.
    ///
    /// - Returns: Whether the socket may hold more.
    func receive(_ body: (UnsafeMutableRawBufferPointer, TransportAddress) -> Void) -> Bool {
        for index in 0..<Self.receiveCount {
            receiveMessages[index].header.msg_namelen = UInt32(MemoryLayout<sockaddr_in6>.size)
            if localAddresses != nil {
                receiveMessages[index].header.msg_control = receiveControl + index * receiveControlSize
                receiveMessages[index].header.msg_controllen = receiveControlSize
            }
        }
        let count = martlet_recvmmsg(descriptor, receiveMessages, UInt32(Self.receiveCount), Int32(MSG_DONTWAIT))
        guard count > 0 else { return false }
        for index in 0..<Int(count) {
            let message = receiveMessages[index]
            // A datagram larger than any packet of ours can be is cut short by the kernel: not to be trusted.
            guard message.header.msg_flags & Int32(MSG_TRUNC) == 0,
                var source = SocketAddress.read(receiveAddresses + index)
            else { continue }
            source.local = localAddress(ofReceived: index)
            body(
                UnsafeMutableRawBufferPointer(
                    start: receiveBuffer + index * Self.receiveSize,
                    count: Int(message.length)
                ),
                source
            )
        }
        return Int(count) == Self.receiveCount
    }

    /// The number of the address that a datagram came to.
    private func localAddress(ofReceived index: Int) -> UInt16 {
        guard localAddresses != nil else { return 0 }
        var address = in6_addr()
        guard martlet_cmsg_destination(&receiveMessages[index].header, &address) != 0 else { return 0 }
        return localAddresses?.number(of: address) ?? 0
    }

    // MARK: Out

    package func send(_ messages: UnsafeBufferPointer<OutgoingMessage>, arena: UnsafeRawPointer) -> SendProgress {
        var done = 0
        while done < messages.count {
            let message = messages[done]
            if message.datagramCount > 1, !maySegment(message.destination) {
                let bytes = sendSingly(message, arena: arena)
                guard bytes == message.length else { return SendProgress(messages: done, bytesOfNext: bytes) }
                done += 1
                continue
            }
            var count = 0
            while count < Self.sendCount, done + count < messages.count {
                let next = messages[done + count]
                guard next.datagramCount == 1 || maySegment(next.destination) else { break }
                prepare(count, next, offset: next.offset, length: next.length, arena: arena)
                count += 1
            }
            let sent = martlet_sendmmsg(descriptor, sendMessages, UInt32(count), Int32(MSG_DONTWAIT))
            if sent > 0 {
                done += Int(sent)
                continue
            }
            let failure = errno
            if failure == EAGAIN || failure == EWOULDBLOCK || failure == ENOBUFS { return SendProgress(messages: done) }
            if failure == EINTR { continue }
            let first = messages[done]
            if first.datagramCount > 1,
                failure == EIO || failure == EINVAL || failure == EMSGSIZE || failure == EOPNOTSUPP
            {
                // The route or the card does not segment: remember, and send this one datagram by datagram.
                if refusals.count >= Self.maximumRefusals { refusals.removeAll() }
                refusals.insert(first.destination)
                continue
            }
            sendFailures += first.datagramCount
            done += 1
        }
        return SendProgress(messages: done)
    }

    private func maySegment(_ destination: TransportAddress) -> Bool {
        segments && (refusals.isEmpty || !refusals.contains(destination))
    }

    private func prepare(_ index: Int, _ message: OutgoingMessage, offset: Int, length: Int, arena: UnsafeRawPointer) {
        sendVectors[index] = iovec(iov_base: UnsafeMutableRawPointer(mutating: arena + offset), iov_len: length)
        sendMessages[index].header.msg_namelen = SocketAddress.write(
            message.destination,
            family: family,
            to: sendAddresses + index
        )
        let control = sendControl + index * controlSize
        var used = 0
        if length > message.segmentSize {
            martlet_cmsg_put_segment_size(control, UInt16(truncatingIfNeeded: message.segmentSize))
            used = martlet_cmsg_space(2)
        }
        if message.destination.local != 0, var source = localAddresses?.address(message.destination.local) {
            used += martlet_cmsg_put_source(control + used, family, &source)
        }
        sendMessages[index].header.msg_control = used > 0 ? control : nil
        sendMessages[index].header.msg_controllen = used
    }

    /// Sends a run without the kernel's segmentation.
    ///
    /// - Returns: The bytes that left; fewer than the run has when the socket is full.
    private func sendSingly(_ message: OutgoingMessage, arena: UnsafeRawPointer) -> Int {
        var offset = 0
        while offset < message.length {
            var count = 0
            var next = offset
            while count < Self.sendCount, next < message.length {
                let length = min(message.segmentSize, message.length - next)
                prepare(count, message, offset: message.offset + next, length: length, arena: arena)
                next += length
                count += 1
            }
            let sent = martlet_sendmmsg(descriptor, sendMessages, UInt32(count), Int32(MSG_DONTWAIT))
            guard sent > 0 else {
                let failure = errno
                if failure == EINTR { continue }
                if failure == EAGAIN || failure == EWOULDBLOCK || failure == ENOBUFS { return offset }
                sendFailures += 1
                offset = min(offset + message.segmentSize, message.length)
                continue
            }
            offset = min(offset + Int(sent) * message.segmentSize, message.length)
        }
        return message.length
    }
}
