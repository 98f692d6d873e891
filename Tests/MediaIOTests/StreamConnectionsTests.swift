import CLinux
import Glibc
import ICE
import Primitives
import Testing

@testable import MediaIO

/// Which connections want to know of room.
private final class Wishes {
    var watched: [UInt32: Bool] = [:]
}

/// Repeats a step that waits for the kernel until it has done its work, so often at most that a test that fails ends.
private func repeating(until isDone: () -> Bool, _ step: () -> Void) {
    for _ in 0..<20_000 where !isDone() {
        step()
        usleep(500)
    }
}

@Suite("TCP connections of a worker")
struct StreamConnectionsTests {
    private let server: StreamServer
    private let wishes = Wishes()

    init() throws {
        server = try StreamServer()
    }

    private func makeConnections(
        capacity: Int = StreamConnections.capacity, queueCapacity: Int = StreamConnection.queueCapacity
    ) -> StreamConnections {
        let wishes = wishes
        return StreamConnections(capacity: capacity, queueCapacity: queueCapacity) { wishes.watched[$1] = $2 }
    }

    private func makeSink(_ connections: StreamConnections) throws -> (MediaSink, udp: TransportAddress) {
        var name = sockaddr_in6()
        let length = SocketAddress.write(TransportAddress(ipv4: 0x7F00_0001, port: 0), family: AF_INET, to: &name)
        let descriptor = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                martlet_bind(Int32(SOCK_DGRAM.rawValue), $0, length, 0, 0)
            }
        }
        try #require(descriptor >= 0)
        let port = UDPPort(descriptor: descriptor, family: AF_INET)
        return (
            MediaSink(port: port, connections: connections, links: LinkSockets()),
            TransportAddress(ipv4: 0x7F00_0001, port: 9)
        )
    }

    /// Numbered datagrams, so that a client can tell what it got.
    private func write(_ numbers: Range<Int>, size: Int, to address: TransportAddress, into batch: inout SendBatch) {
        batch.beginRun(to: address)
        for number in numbers {
            let room = batch.reserve(size)
            room.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: number), count: size)
            room.storeBytes(of: UInt32(number), as: UInt32.self)
            batch.commit(size)
        }
    }

    private func number(_ datagram: [UInt8]) -> Int {
        datagram.withUnsafeBytes { Int($0.loadUnaligned(as: UInt32.self)) }
    }

    private func isIntact(_ datagram: [UInt8], size: Int) -> Bool {
        datagram.count == size && datagram[4...].allSatisfy { $0 == UInt8(truncatingIfNeeded: number(datagram)) }
    }

    @Test func `a run arrives as the frames it was made of, beside what goes by UDP`() throws {
        let connections = makeConnections()
        let (sink, udp) = try makeSink(connections)
        let client = try StreamClient(to: server.address)
        let address = try #require(connections.add(try server.accept()))
        #expect(address.connection != 0)
        var batch = SendBatch(sink: sink)
        write(0..<3, size: 1200, to: address, into: &batch)
        write(0..<3, size: 700, to: udp, into: &batch)
        write(3..<70, size: 300, to: address, into: &batch)
        batch.flush()
        let isBlocked = batch.isBlocked
        #expect(!isBlocked)
        for expected in 0..<70 {
            let datagram = try #require(client.receive())
            #expect(isIntact(datagram, size: expected < 3 ? 1200 : 300))
            #expect(number(datagram) == expected)
        }
        #expect(connections.takeDropped() == 0)
    }

    @Test(arguments: [700, 1200, 2048])
    func `a client that does not read loses its own packets, whole, and holds nobody else up`(size: Int) throws {
        let connections = makeConnections(queueCapacity: 64 << 10)
        let (sink, _) = try makeSink(connections)
        let slow = try StreamClient(to: server.address, receiveBuffer: 4096)
        let slowAddress = try #require(connections.add(try server.accept(sendBuffer: 4096)))
        let quick = try StreamClient(to: server.address)
        let quickAddress = try #require(connections.add(try server.accept()))
        var batch = SendBatch(sink: sink)
        let count = (4 << 20) / size
        var dropped = 0
        for index in 0..<count {
            write(index..<(index + 1), size: size, to: slowAddress, into: &batch)
            if index % 8 == 0 { write(index..<(index + 1), size: 100, to: quickAddress, into: &batch) }
            batch.flush()
            let isBlocked = batch.isBlocked
            #expect(!isBlocked)
            dropped += connections.takeDropped()
        }
        #expect(dropped > count / 2)
        #expect(wishes.watched[slowAddress.connection] == true)
        var quickly: [Int] = []
        repeating(until: { quickly.count >= (count + 7) / 8 }) {
            connections.resume(quickAddress.connection)
            quickly += quick.take().map(number)
        }
        #expect(quickly == Array(stride(from: 0, to: count, by: 8)))

        // What waited comes in one piece once the client reads; then there is room again.
        var received: [Int] = []
        repeating(until: { received.count >= count - dropped }) {
            connections.resume(slowAddress.connection)
            for datagram in slow.take() {
                #expect(isIntact(datagram, size: size))
                received.append(number(datagram))
            }
        }
        #expect(received.count == count - dropped)
        #expect(received == received.sorted() && Set(received).count == received.count)
        #expect(received.first == 0)
        connections.resume(slowAddress.connection)
        #expect(wishes.watched[slowAddress.connection] == false)
        write(count..<(count + 1), size: 100, to: slowAddress, into: &batch)
        batch.flush()
        #expect(slow.receive().map(number) == count)
    }

    @Test func `what is read comes out in datagrams, and the rest waits`() throws {
        let connections = makeConnections()
        let client = try StreamClient(to: server.address)
        let address = try #require(connections.add(try server.accept()))
        client.send(raw: StreamClient.frame([1, 2, 3]) + StreamClient.frame([4]) + [0, 3, 5])
        var seen: [([UInt8], TransportAddress)] = []
        repeating(until: { seen.count >= 2 }) {
            let goesOn = connections.receive(address.connection) { seen.append((Array($0), $1)) }
            #expect(goesOn)
        }
        client.send(raw: [6, 7])
        repeating(until: { seen.count >= 3 }) {
            let goesOn = connections.receive(address.connection) { seen.append((Array($0), $1)) }
            #expect(goesOn)
        }
        #expect(seen.map(\.0) == [[1, 2, 3], [4], [5, 6, 7]])
        #expect(seen.allSatisfy { $0.1 == address })
    }

    @Test func `a datagram may be answered while it is being read`() throws {
        let connections = makeConnections()
        let (sink, _) = try makeSink(connections)
        var batch = SendBatch(sink: sink)
        let client = try StreamClient(to: server.address)
        let address = try #require(connections.add(try server.accept()))
        #expect(
            connections.receive(StreamClient.frame([1]) + StreamClient.frame([2]), by: address.connection) {
                datagram, source in
                batch.send(Array(datagram) + [9], to: source)
                batch.flush()
            })
        #expect(client.receive() == [1, 9])
        #expect(client.receive() == [2, 9])
    }

    @Test func `a frame that is too long ends the connection`() throws {
        let connections = makeConnections()
        let client = try StreamClient(to: server.address)
        let address = try #require(connections.add(try server.accept()))
        #expect(!connections.receive([0xFF, 0xFF], by: address.connection) { _, _ in })
        connections.remove(address.connection)
        #expect(client.receive() == nil)
        #expect(connections.count == 0)
    }

    @Test func `a client that leaves is noticed`() throws {
        let connections = makeConnections()
        var client: StreamClient? = try StreamClient(to: server.address)
        let address = try #require(connections.add(try server.accept()))
        #expect(connections.receive(address.connection) { _, _ in })
        #expect(client != nil)
        client = nil
        var goesOn = true
        repeating(until: { !goesOn }) { goesOn = connections.receive(address.connection) { _, _ in } }
        #expect(!goesOn)
    }

    @Test func `beyond so many connections a new one is closed`() throws {
        let connections = makeConnections(capacity: 2)
        let clients = [
            try StreamClient(to: server.address), try StreamClient(to: server.address),
            try StreamClient(to: server.address),
        ]
        #expect(connections.add(try server.accept()) != nil)
        #expect(connections.add(try server.accept()) != nil)
        #expect(connections.add(try server.accept()) == nil)
        #expect(connections.count == 2)
        #expect(clients[2].receive() == nil)
    }

    @Test func `the successor of a connection is another path`() throws {
        let connections = makeConnections()
        let (sink, _) = try makeSink(connections)
        var batch = SendBatch(sink: sink)
        var numbers: Set<UInt32> = []
        for _ in 0..<100 {
            let client = try StreamClient(to: server.address)
            let address = try #require(connections.add(try server.accept()))
            #expect(numbers.insert(address.connection).inserted)
            connections.remove(address.connection)
            batch.send([1], to: address)
            batch.flush()
            #expect(connections.takeDropped() == 1)
            #expect(client.receive() == nil)
        }
    }

    @Test func `a connection that belongs to nobody is closed, but not before its last words are out`() throws {
        let connections = makeConnections()
        let client = try StreamClient(to: server.address)
        let other = try StreamClient(to: server.address)
        let first = try #require(connections.add(try server.accept()))
        let second = try #require(connections.add(try server.accept()))
        connections.removeStrangers { _ in true }
        connections.removeStrangers { $0 == second }
        #expect(connections.count == 2)
        connections.removeStrangers { $0 == second }
        #expect(connections.address(of: first.connection) == nil)
        #expect(connections.address(of: second.connection) == second)
        #expect(client.receive() == nil)
        #expect(other.take() == [])
    }
}
