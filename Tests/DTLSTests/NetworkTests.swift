import DTLS
import Primitives
import TestSupport
import Testing

// One after the other: they share few cores, and some wait for a timer.
@Suite("A DTLS handshake over a bad network", .serialized)
struct NetworkTests {
    @Test(arguments: 0..<10)
    func `it survives datagrams of 256 bytes in any order`(seed: UInt64) throws {
        let handshake = try Handshake(mtu: 256, timer: .short)
        handshake.run(seed: seed) { flight, generator in flight.shuffled(using: &generator) }
        #expect(handshake.clientKeys != nil)
        #expect(handshake.clientKeys?.localKey == handshake.serverKeys?.remoteKey)
    }

    @Test(arguments: 0..<20)
    func `it survives loss, doubles and disorder`(seed: UInt64) throws {
        let handshake = try Handshake(mtu: seed % 2 == 0 ? 1200 : 400, timer: .short)
        handshake.run(seed: seed) { flight, generator in
            let arriving = flight.filter { _ in Double.random(in: 0..<1, using: &generator) >= 0.25 }
            let doubled = flight.filter { _ in Double.random(in: 0..<1, using: &generator) < 0.1 }
            return (arriving + doubled).shuffled(using: &generator)
        }
        #expect(handshake.clientEvents.count == 1 && handshake.serverEvents.count == 1)
        #expect(handshake.clientKeys != nil)
        #expect(handshake.clientKeys?.localKey == handshake.serverKeys?.remoteKey)
    }

    @Test func `each flight can be lost once`() throws {
        for lost in 0..<4 {
            let handshake = try Handshake(timer: .short)
            var flight = 0
            handshake.run { datagrams, _ in
                guard !datagrams.isEmpty else { return [] }
                defer { flight += 1 }
                return flight == lost ? [] : datagrams
            }
            #expect(handshake.clientKeys != nil && handshake.serverKeys != nil, "flight \(lost)")
        }
    }

    @Test func `a lost last flight is sent again when the client repeats its own`() throws {
        let handshake = try Handshake(timer: .short)
        handshake.giveToServer(handshake.takeFromClient())
        handshake.giveToClient(handshake.takeFromServer())
        handshake.giveToServer(handshake.takeFromClient())
        #expect(handshake.serverKeys != nil)
        #expect(!handshake.takeFromServer().isEmpty, "this one is lost")
        for _ in 0..<3 {
            handshake.expireClientTimer()
            let repeated = handshake.takeFromClient()
            #expect(!repeated.isEmpty)
            handshake.giveToServer(repeated)
            #expect(!handshake.takeFromServer().isEmpty, "lost again")
        }
        handshake.expireClientTimer()
        handshake.giveToServer(handshake.takeFromClient())
        handshake.giveToClient(handshake.takeFromServer())
        #expect(handshake.clientKeys?.localKey == handshake.serverKeys?.remoteKey)
        #expect(handshake.clientKeys != nil)
        #expect(handshake.serverEvents.count == 1)
    }

    /// Browsers with post-quantum key shares send a ClientHello that does not fit one datagram.
    @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 0, 1, 2]])
    func `a ClientHello in pieces is put together in any order`(order: [Int]) throws {
        let handshake = try Handshake()
        let hello = try #require(handshake.takeFromClient().first)
        let pieces = try #require(handshakeFragments(of: hello, count: 3))
        handshake.giveToServer(order.map { pieces[$0] })
        handshake.run()
        #expect(handshake.clientKeys?.localKey == handshake.serverKeys?.remoteKey)
        #expect(handshake.clientKeys != nil)
    }

    @Test func `a ClientHello of which one piece is lost gets no answer until it is repeated`() throws {
        let handshake = try Handshake()
        let hello = try #require(handshake.takeFromClient().first)
        let pieces = try #require(handshakeFragments(of: hello, count: 2))
        handshake.giveToServer([pieces[1]])
        #expect(handshake.takeFromServer().isEmpty)
        let repeated = try #require(handshakeFragments(of: hello, count: 2, firstRecord: 42))
        handshake.giveToServer([repeated[0]])
        #expect(!handshake.takeFromServer().isEmpty)
    }

    @Test func `a silent server is given up on, once`() throws {
        let handshake = try Handshake(timer: .short)
        var repetitions = 0
        while handshake.clientEvents.isEmpty, repetitions < 100 {
            #expect(handshake.clientTimeout != nil)
            handshake.expireClientTimer()
            _ = handshake.takeFromClient()
            repetitions += 1
        }
        #expect(handshake.clientEvents == [.failed(.timeout)])
        #expect((10...15).contains(repetitions))
        #expect(handshake.clientTimeout == nil)
        handshake.expireClientTimer()
        handshake.client.start()
        #expect(handshake.takeFromClient().isEmpty)
        #expect(handshake.clientEvents.count == 1)
    }

    @Test func `a timer runs only while an answer is due`() throws {
        let handshake = try Handshake(timer: DTLSRetransmissionTimer())
        let first = try #require(handshake.clientTimeout)
        #expect(first > .milliseconds(100) && first <= .milliseconds(200))
        #expect(handshake.serverTimeout == nil)
        #expect(handshake.takeFromClient().count == 1)
        handshake.client.handleTimeout()
        #expect(handshake.takeFromClient().isEmpty, "it is not time yet")
        handshake.client.start()
        handshake.run()
        #expect(handshake.clientTimeout == nil && handshake.serverTimeout == nil)
    }

    @Test func `what nobody takes from the queue is bounded`() throws {
        let handshake = try Handshake(mtu: 256, timer: .short)
        handshake.giveToServer(handshake.takeFromClient())
        for _ in 0..<12 { handshake.expireServerTimer() }
        #expect(handshake.takeFromServer().count == 64)
    }
}

/// Cuts the one handshake message of a plain-text datagram into fragments of a record and datagram each
/// (RFC 6347 §4.2.3).
///
/// Their record sequence numbers start at `firstRecord`, ahead of those that the client will use next; `nil` when the
/// datagram holds anything else.
func handshakeFragments(of datagram: [UInt8], count: Int, firstRecord: UInt8 = 40) -> [[UInt8]]? {
    let recordHeader = 13
    let messageHeader = 12
    guard datagram.count > recordHeader + messageHeader, datagram[0] == 22 else { return nil }
    let message = Array(datagram[(recordHeader + messageHeader)...])
    let size = (message.count + count - 1) / count
    return (0..<count).map { number in
        let start = number * size
        let body = Array(message[start..<min(start + size, message.count)])
        // Message type, length and sequence number stay; offset and length are those of the fragment.
        let header = Array(datagram[recordHeader..<(recordHeader + 6)]) + uint24(start) + uint24(body.count)
        var record = Array(datagram[..<recordHeader])
        record[10] = firstRecord + UInt8(number)
        record[11] = UInt8((header.count + body.count) >> 8)
        record[12] = UInt8(truncatingIfNeeded: header.count + body.count)
        return record + header + body
    }
}

private func uint24(_ value: Int) -> [UInt8] {
    [UInt8(value >> 16), UInt8(value >> 8 & 255), UInt8(value & 255)]
}
