import CLinux
import Glibc
import Primitives
import Testing

@testable import MediaIO

/// A plain receiving socket on loopback, for what a port sends.
private final class Receiver {
    let descriptor: Int32
    let address: TransportAddress

    init() throws {
        var name = sockaddr_in6()
        let length = SocketAddress.write(TransportAddress(ipv4: 0x7F00_0001, port: 0), family: AF_INET, to: &name)
        let socket = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                martlet_bind(Int32(SOCK_DGRAM.rawValue), $0, length, 0, 0)
            }
        }
        try #require(socket >= 0)
        descriptor = socket
        var bound = sockaddr_in6()
        var boundLength = UInt32(MemoryLayout<sockaddr_in6>.size)
        _ = withUnsafeMutablePointer(to: &bound) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(socket, $0, &boundLength)
            }
        }
        address = try #require(SocketAddress.read(&bound))
    }

    deinit {
        close(descriptor)
    }

    func send(_ bytes: [UInt8], to address: TransportAddress) {
        var name = sockaddr_in6()
        let length = SocketAddress.write(address, family: AF_INET, to: &name)
        _ = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, 0, $0, length)
            }
        }
    }

    /// The datagrams that have arrived, with where they came from.
    func takeWithSources() -> [(bytes: [UInt8], source: TransportAddress)] {
        var datagrams: [([UInt8], TransportAddress)] = []
        var buffer = [UInt8](repeating: 0, count: 2048)
        while true {
            var name = sockaddr_in6()
            var length = UInt32(MemoryLayout<sockaddr_in6>.size)
            let count = withUnsafeMutablePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT), $0, &length)
                }
            }
            guard count >= 0, let source = SocketAddress.read(&name) else { return datagrams }
            datagrams.append((Array(buffer.prefix(count)), source))
        }
    }

    /// The datagrams that have arrived; loopback delivers before sendmmsg returns.
    func take() -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: 2048)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count >= 0 else { return datagrams }
            datagrams.append(Array(buffer.prefix(count)))
        }
    }
}

private func makePort(
    family: Int32, segments: Bool, localAddresses: LocalAddresses? = nil
) throws -> UDPPort {
    var name = sockaddr_in6()
    let any = family == AF_INET6 ? TransportAddress(high: 0, low: 0, port: 0) : TransportAddress(ipv4: 0, port: 0)
    let length = SocketAddress.write(any, family: family, to: &name)
    let descriptor = withUnsafePointer(to: &name) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            martlet_bind(Int32(SOCK_DGRAM.rawValue), $0, length, 1, 1)
        }
    }
    try #require(descriptor >= 0)
    return UDPPort(descriptor: descriptor, family: family, segments: segments, localAddresses: localAddresses)
}

/// The port number that a socket was bound to.
private func boundPort(_ descriptor: Int32) throws -> UInt16 {
    var name = sockaddr_in6()
    var length = UInt32(MemoryLayout<sockaddr_in6>.size)
    let result = withUnsafeMutablePointer(to: &name) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    try #require(result == 0)
    return try #require(SocketAddress.read(&name)).port
}

@Suite("The media socket")
struct UDPPortTests {
    @Test(arguments: [AF_INET, AF_INET6], [true, false])
    func `an answer leaves from the address that was asked, whichever worker gives it`(
        family: Int32, segments: Bool
    ) throws {
        let addresses = LocalAddresses()
        let port = try makePort(family: family, segments: segments, localAddresses: addresses)
        let number = try boundPort(port.descriptor)
        for host in [0x7F00_0001, 0x7F00_0002, 0x7F00_0003] as [UInt32] {
            let client = try Receiver()
            let asked = TransportAddress(ipv4: host, port: number)
            client.send([1, 2, 3], to: asked)
            var source: TransportAddress?
            _ = port.receive { _, address in source = address }
            let path = try #require(source)
            #expect(path.local != 0)

            // A socket that only knows of the address through the numbers they share; its port is another one here.
            let other = try makePort(family: family, segments: segments, localAddresses: addresses)
            for sender in [port, other] {
                var batch = SendBatch(sink: sender)
                batch.beginRun(to: path)
                for byte in [7, 8] as [UInt8] {
                    batch.reserve(1).storeBytes(of: byte, as: UInt8.self)
                    batch.commit(1)
                }
                batch.flush()
                let answers = client.takeWithSources()
                #expect(answers.map(\.bytes) == [[7], [8]])
                #expect(answers.allSatisfy { $0.source.ipv4 == host }, "\(answers.map(\.source))")
            }
        }
    }

    @Test(arguments: [true, false], [AF_INET, AF_INET6])
    func `runs arrive as the datagrams they were made of, with and without the kernel's segmentation`(
        segments: Bool, family: Int32
    ) throws {
        let port = try makePort(family: family, segments: segments)
        var batch = SendBatch(sink: port)
        let receivers = [try Receiver(), try Receiver()]
        var expected: [[[UInt8]]] = [[], []]
        for (index, receiver) in receivers.enumerated() {
            // Equal ones, a shorter one that closes the run, and a longer one that opens another.
            for (number, size) in [1200, 1200, 1200, 700, 900, 900, 1, 64].enumerated() {
                batch.beginRunIfNeeded(to: receiver.address, isFirst: number == 0)
                let bytes = [UInt8](repeating: UInt8(index * 16 + number), count: size)
                let room = batch.reserve(size)
                bytes.withUnsafeBytes { room.copyMemory(from: $0.baseAddress!, byteCount: size) }
                batch.commit(size)
                expected[index].append(bytes)
            }
        }
        batch.flush()
        let isBlocked = batch.isBlocked
        #expect(!isBlocked)
        #expect(receivers[0].take() == expected[0])
        #expect(receivers[1].take() == expected[1])
        #expect(port.sendFailures == 0)
    }

    @Test func `more than a run can hold is split`() throws {
        let port = try makePort(family: AF_INET, segments: true)
        var batch = SendBatch(sink: port)
        let receiver = try Receiver()
        batch.beginRun(to: receiver.address)
        for _ in 0..<70 {
            let room = batch.reserve(1000)
            room.initializeMemory(as: UInt8.self, repeating: 7, count: 1000)
            batch.commit(1000)
        }
        batch.flush()
        let arrived = receiver.take()
        #expect(arrived.count == 70)
        #expect(arrived.allSatisfy { $0.count == 1000 })
    }

    @Test func `a destination without a route costs that datagram and nothing else`() throws {
        let port = try makePort(family: AF_INET, segments: true)
        var batch = SendBatch(sink: port)
        let receiver = try Receiver()
        batch.send([1], to: TransportAddress(high: 0x2001_0DB8_0000_0000, low: 1, port: 9))
        batch.send([2], to: receiver.address)
        batch.flush()
        #expect(receiver.take() == [[2]])
        #expect(port.sendFailures == 1)
    }
}

extension SendBatch {
    fileprivate mutating func beginRunIfNeeded(to address: TransportAddress, isFirst: Bool) {
        if isFirst { beginRun(to: address) }
    }
}
