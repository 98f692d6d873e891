import Glibc
import Primitives
import Testing

@testable import MediaIO

@Suite("Sockets of node links")
struct LinkSocketsTests {
    private static func open(_ index: UInt32) throws -> LinkSocket {
        try #require(LinkSocket.open(number: LinkRoute.firstNumber | index))
    }

    private static func loopback(_ socket: LinkSocket) throws -> TransportAddress {
        TransportAddress(ipv4: 0x7F00_0001, port: try #require(SocketAddress.bound(socket.descriptor)).port)
    }

    @Test func `datagrams leave by the socket that their destination names, and come back under its number`() throws {
        let links = LinkSockets()
        let (first, second) = (try Self.open(1), try Self.open(2))
        #expect(links.add(first) && links.add(second) && links.count == 2)
        var destination = try Self.loopback(second)
        destination.connection = first.number
        let bytes: [UInt8] = [1, 2, 3, 4, 5]
        let message = OutgoingMessage(offset: 0, length: 5, segmentSize: 2, destination: destination)
        bytes.withUnsafeBytes { links.send(message, arena: $0.baseAddress!) }
        var received: [[UInt8]] = []
        var source: TransportAddress?
        links.receive(second.number) { datagram, from in
            received.append(Array(datagram))
            source = from
        }
        #expect(received == [[1, 2], [3, 4], [5]])
        let expected = try Self.loopback(first)
        #expect(source?.port == expected.port && source?.low == expected.low)
        #expect(source?.connection == second.number)
        #expect(links.takeDropped() == 0)
    }

    @Test func `a datagram larger than any packet is left out`() throws {
        let links = LinkSockets()
        let (first, second) = (try Self.open(1), try Self.open(2))
        #expect(links.add(first) && links.add(second))
        var destination = try Self.loopback(second)
        destination.connection = first.number
        let bytes = [UInt8](repeating: 7, count: 4000)
        for size in [4000, 100] {
            let message = OutgoingMessage(offset: 0, length: size, segmentSize: size, destination: destination)
            bytes.withUnsafeBytes { links.send(message, arena: $0.baseAddress!) }
        }
        var sizes: [Int] = []
        links.receive(second.number) { datagram, _ in sizes.append(datagram.count) }
        #expect(sizes == [100])
    }

    @Test func `there are no more sockets than there is room for, and strangers go at the second look`() throws {
        let links = LinkSockets(capacity: 2)
        let (first, second) = (try Self.open(1), try Self.open(2))
        #expect(links.add(first) && links.add(second))
        #expect(try !links.add(Self.open(3)))
        #expect(fcntl(first.descriptor, F_GETFD) >= 0)
        links.removeStrangers { $0 == second.number }
        #expect(links.count == 2)
        links.removeStrangers { $0 == second.number }
        #expect(links.count == 1)
        let message = OutgoingMessage(
            offset: 0, length: 1, segmentSize: 1,
            destination: TransportAddress(high: 0, low: 0xFFFF_7F00_0001, port: 9, connection: first.number))
        [UInt8](repeating: 0, count: 1).withUnsafeBytes { links.send(message, arena: $0.baseAddress!) }
        #expect(links.takeDropped() == 1)
    }
}
