import CLinux
import Glibc
import Primitives

/// A UDP socket that connects to another gateway, on its way to a worker.
struct LinkSocket: Sendable {
    var descriptor: Int32
    var family: Int32
    /// ``LinkRoute/firstNumber`` or more.
    var number: UInt32

    /// What a key frame of several layers may take at once.
    private static let bufferSize: Int32 = 4 << 20

    /// Opens a socket on a port that the system chooses, for IPv4 and IPv6 where there are both.
    ///
    /// - Returns: `nil` when the system gives none.
    static func open(number: UInt32) -> LinkSocket? {
        for (family, address) in [
            (AF_INET6, TransportAddress(high: 0, low: 0, port: 0)), (AF_INET, TransportAddress(ipv4: 0, port: 0)),
        ] {
            var storage = sockaddr_in6()
            let length = SocketAddress.write(address, family: family, to: &storage)
            let descriptor = withUnsafePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    martlet_bind(Int32(SOCK_DGRAM.rawValue), address, length, 1, 0)
                }
            }
            guard descriptor >= 0 else { continue }
            var size = bufferSize
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, UInt32(MemoryLayout<Int32>.size))
            return LinkSocket(descriptor: descriptor, family: family, number: number)
        }
        return nil
    }
}

/// The sockets of one worker that connect to other gateways, beside its own.
///
/// Owned by one thread. What leaves by them is feedback, a few datagrams a second each, so each is sent by a call of its own.
final class LinkSockets {
    /// Links at most; those beyond are closed, and their sessions find no way.
    static let capacity = 1024
    private static let receiveSize = 2048
    /// Datagrams of one link before the others get their turn.
    private static let receiveRounds = 256

    private struct Entry {
        var socket: LinkSocket
        /// Belonged to no session when last looked at.
        var isStranger = false
    }

    private var entries: [UInt32: Entry] = [:]
    private let maximum: Int
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: receiveSize, alignment: 64)
    private var datagramsDropped = 0

    init(capacity maximum: Int = LinkSockets.capacity) {
        self.maximum = maximum
    }

    deinit {
        for entry in entries.values { close(entry.socket.descriptor) }
        buffer.deallocate()
    }

    var count: Int { entries.count }

    /// Takes a socket over.
    ///
    /// - Returns: Whether there was room; if not, the socket is closed.
    func add(_ socket: LinkSocket) -> Bool {
        guard entries.count < maximum, entries[socket.number] == nil else {
            close(socket.descriptor)
            return false
        }
        entries[socket.number] = Entry(socket: socket)
        return true
    }

    /// Closes sockets that belonged to nobody at the last call and do not now.
    ///
    /// Two calls, so that the last words of a session that has just ended still get out.
    func removeStrangers(isKnown: (UInt32) -> Bool) {
        for (number, entry) in entries {
            let isStranger = !isKnown(number)
            if isStranger, entry.isStranger {
                close(entry.socket.descriptor)
                entries[number] = nil
            } else {
                entries[number]?.isStranger = isStranger
            }
        }
    }

    /// Reads what has come by a link and hands over its datagrams, to be changed in place.
    func receive(_ number: UInt32, _ body: (UnsafeMutableRawBufferPointer, TransportAddress) -> Void) {
        guard let socket = entries[number]?.socket else { return }
        for _ in 0..<Self.receiveRounds {
            var storage = sockaddr_in6()
            var length = UInt32(MemoryLayout<sockaddr_in6>.size)
            // With MSG_TRUNC the kernel tells the length of what did not fit: larger than any packet of ours can be.
            let count = withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(
                        socket.descriptor, buffer.baseAddress, buffer.count,
                        Int32(MSG_DONTWAIT) | Int32(MSG_TRUNC), $0, &length)
                }
            }
            if count < 0 {
                // An earlier datagram was refused (ICMP), which says nothing about this one.
                guard errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == EINTR else { return }
                continue
            }
            guard count <= buffer.count, var source = SocketAddress.read(&storage) else { continue }
            source.connection = number
            body(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), source)
        }
    }

    /// Sends a run of datagrams by the link that its destination names; what the kernel does not take now is lost.
    func send(_ message: OutgoingMessage, arena: UnsafeRawPointer) {
        var storage = sockaddr_in6()
        guard let socket = entries[message.destination.connection]?.socket else {
            datagramsDropped += message.datagramCount
            return
        }
        let length = SocketAddress.write(message.destination, family: socket.family, to: &storage)
        guard length > 0 else {
            datagramsDropped += message.datagramCount
            return
        }
        var offset = 0
        while offset < message.length {
            let size = min(message.segmentSize, message.length - offset)
            let sent = withUnsafePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    sendto(
                        socket.descriptor, arena + message.offset + offset, size, Int32(MSG_DONTWAIT),
                        address, length)
                }
            }
            if sent != size { datagramsDropped += 1 }
            offset += size
        }
    }

    /// Datagrams that could not be sent since the last call.
    func takeDropped() -> Int {
        defer { datagramsDropped = 0 }
        return datagramsDropped
    }
}
