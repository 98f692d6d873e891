import DTLS
import TestSupport
import Testing

// One after the other: they share few cores, and some wait for a timer.
@Suite("Datagrams that do not belong to a DTLS association", .serialized)
struct StrangerTests {
    private func garbage(_ generator: inout SeededGenerator) -> [UInt8] {
        let sizes = [0, 1, 2, 12, 13, 14, 25, 100, 1200, 65_507]
        let size = sizes.randomElement(using: &generator) ?? 0
        let pattern = (0..<64).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        var bytes = (0..<size).map { pattern[$0 % 64] }
        // Records of unknown types and versions, and what STUN, RTP and the rest start with.
        if !bytes.isEmpty { bytes[0] = [0, 1, 26, 63, 64, 128, 200, 255].randomElement(using: &generator) ?? 0 }
        return bytes
    }

    @Test(arguments: 0..<5)
    func `garbage between all flights changes nothing`(seed: UInt64) throws {
        let handshake = try Handshake()
        handshake.run(seed: seed) { flight, generator in
            var arriving: [[UInt8]] = []
            for datagram in flight { arriving += [garbage(&generator), datagram, garbage(&generator)] }
            return arriving
        }
        #expect(handshake.clientKeys != nil && handshake.serverKeys != nil)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            handshake.giveToServer([garbage(&generator)])
            handshake.giveToClient([garbage(&generator)])
        }
        #expect(handshake.clientEvents.count == 1 && handshake.serverEvents.count == 1)
        #expect(handshake.takeFromServer().isEmpty && handshake.takeFromClient().isEmpty)
    }

    @Test func `the handshake of somebody else does not disturb an association that stands`() throws {
        let handshake = try Handshake()
        handshake.run()
        _ = handshake.takeFromServer()
        let other = try Handshake()
        var toServer: [[UInt8]] = []
        var toClient: [[UInt8]] = []
        other.run { flight, _ in
            toServer += flight
            toClient += flight
            return flight
        }
        handshake.giveToServer(toServer)
        handshake.giveToClient(toClient)
        #expect(handshake.serverEvents.count == 1 && handshake.clientEvents.count == 1)
    }

    @Test(arguments: 0..<60)
    func `damaged handshakes end in keys or in one failure at each end`(seed: UInt64) throws {
        let handshake = try Handshake(mtu: seed % 3 == 0 ? 300 : 1200, timer: .short)
        handshake.run(seed: seed, maximumRounds: 10) { flight, generator in
            flight.map { datagram in
                var damaged = datagram
                switch Int.random(in: 0..<6, using: &generator) {
                case 0:
                    let position = Int.random(in: 0..<damaged.count, using: &generator)
                    damaged[position] = UInt8.random(in: .min ... .max, using: &generator)
                case 1:
                    damaged.removeLast(Int.random(in: 0...damaged.count, using: &generator))
                case 2:
                    damaged += (0..<20).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
                default: break
                }
                return damaged
            }
        }
        #expect(handshake.clientEvents.count <= 1 && handshake.serverEvents.count <= 1)
        if let client = handshake.clientKeys, let server = handshake.serverKeys {
            #expect(client.localKey == server.remoteKey && client.remoteKey == server.localKey)
        }
    }

    @Test func `after a failure nothing is taken and nothing said`() throws {
        let handshake = try Handshake(serverExpects: [])
        handshake.run()
        _ = handshake.takeFromServer()
        let other = try Handshake()
        handshake.giveToServer(other.takeFromClient())
        handshake.server.handleTimeout()
        handshake.server.close()
        #expect(handshake.serverEvents == [.failed(.fingerprintMismatch)])
        #expect(handshake.takeFromServer().isEmpty)
        #expect(handshake.serverTimeout == nil)
    }
}

@Suite("The end of a DTLS association")
struct CloseTests {
    @Test(arguments: [DTLSRole.client, .server])
    func `close_notify is seen and answered, once`(closing: DTLSRole) throws {
        let handshake = try Handshake()
        handshake.run()
        _ = handshake.takeFromServer()
        if closing == .client {
            handshake.client.close()
            let farewell = handshake.takeFromClient()
            #expect(farewell.count == 1)
            handshake.giveToServer(farewell + farewell)
            #expect(handshake.serverEvents.count == 2 && handshake.serverEvents.last == .closed)
            #expect(handshake.takeFromServer().count == 1)
            #expect(handshake.clientEvents.count == 1, "who closes need not be told")
        } else {
            handshake.server.close()
            let farewell = handshake.takeFromServer()
            #expect(farewell.count == 1)
            handshake.giveToClient(farewell + farewell)
            #expect(handshake.clientEvents.count == 2 && handshake.clientEvents.last == .closed)
            #expect(handshake.takeFromClient().count == 1)
            #expect(handshake.serverEvents.count == 1, "who closes need not be told")
        }
    }

    @Test func `a forged close_notify changes nothing`() throws {
        let handshake = try Handshake()
        handshake.run()
        // An alert in the clear, of epoch 0 and of epoch 1.
        for epoch in UInt8(0)...1 {
            handshake.giveToServer([[21, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 0, 99, 0, 2, 1, 0]])
            handshake.giveToServer([[21, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 0, 98, 0, 2, 2, 40]])
        }
        #expect(handshake.serverEvents.count == 1)
    }

    @Test func `closing before the handshake is over is silent`() throws {
        let handshake = try Handshake()
        handshake.server.close()
        handshake.giveToServer(handshake.takeFromClient())
        #expect(handshake.takeFromServer().isEmpty)
        #expect(handshake.serverEvents.isEmpty)
    }
}
