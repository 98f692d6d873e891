import DTLS
import ICE
import MediaIO
import Primitives
import TestSupport
import Testing
import WebRTC

extension Scene {
    /// Plays for as long as thirty frames a second take, with a client's checks every 2.5 s as browsers make them.
    func play(frames: Int, checksOf client: VirtualClient, from source: TransportAddress, nominating: Bool = true) {
        var nextCheck = worker.now
        for _ in 0..<frames {
            if worker.now >= nextCheck {
                worker.receive(client.bindingRequest(useCandidate: nominating), from: source)
                nextCheck = worker.now + .milliseconds(2500)
            }
            play(frames: 1)
        }
    }
}

extension VirtualWorker {
    /// How a session ended; `nil` while it lives.
    func end(of id: PeerID) -> PeerEnd? {
        for case .ended(id, let reason) in events { return reason }
        return nil
    }
}

@Suite("Paths that change within a session")
struct PathTests {
    /// The client's address after its NAT has given it another port.
    private func moved(_ client: VirtualClient) -> TransportAddress {
        var address = client.address
        address.port += 1
        return address
    }

    private func overTCP(_ client: VirtualClient, connection: UInt32 = 1025) -> TransportAddress {
        var address = client.address
        address.connection = connection
        return address
    }

    // MARK: TCP

    @Test func `a viewer that comes by TCP gets the same packets, by its connection alone`() throws {
        let scene = try Scene()
        let viewer = try VirtualClient(id: 10)
        let path = overTCP(viewer)
        let joined = try scene.join(from: path)
        scene.play(frames: 30, firstIsKey: true)
        let sent = scene.worker.sink.take()
        let received = scene.received(by: joined, at: path, from: sent)
        #expect(received.counters == Array(0..<90))
        #expect(received.isContinuous)
        #expect(!sent.contains { $0.to == joined.address })
    }

    @Test func `a session goes on over UDP when its TCP connection ends, without a gap in its numbers`() throws {
        let scene = try Scene()
        let path = overTCP(try VirtualClient(id: 10))
        let viewer = try scene.join(from: path)
        scene.play(frames: 30, firstIsKey: true)
        let first = scene.received(by: viewer, at: path, from: scene.worker.sink.take())

        scene.worker.forgetPath(path)
        scene.play(frames: 10)
        #expect(!scene.worker.sink.take().contains { viewer.open($0.bytes) != nil })
        #expect(!scene.worker.isKnown(path))

        scene.worker.receive(viewer.bindingRequest(useCandidate: false), from: viewer.address)
        scene.play(frames: 10, firstIsKey: true)
        let second = scene.received(by: viewer, from: scene.worker.sink.take())
        // What it missed meanwhile comes too: the track remembers its group of pictures.
        #expect(second.counters == Array(90..<150))
        #expect(second.sequences.first == first.sequences.last.map { $0 &+ 1 })
        #expect(second.isContinuous)
        #expect(scene.worker.end(of: viewer.id) == nil)
    }

    @Test func `a session whose TCP connection ended lasts until consent expires`() throws {
        let scene = try Scene()
        let path = overTCP(try VirtualClient(id: 10))
        let viewer = try scene.join(from: path)
        scene.worker.run(until: .zero + .seconds(5))
        scene.worker.forgetPath(path)
        scene.worker.run(until: .zero + .seconds(29))
        #expect(scene.worker.end(of: viewer.id) == nil)
        scene.worker.run(until: .zero + .seconds(32))
        #expect(scene.worker.end(of: viewer.id) == .consentExpired)
    }

    // MARK: Rebinding

    @Test func `a viewer whose NAT gives it another port sees on, in the same session`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        scene.play(frames: 1, firstIsKey: true)
        scene.play(frames: 149, checksOf: viewer, from: viewer.address)
        let before = scene.received(by: viewer, from: scene.worker.sink.take())
        #expect(before.counters.count == 450)

        let address = moved(viewer)
        scene.play(frames: 150, checksOf: viewer, from: address)
        let sent = scene.worker.sink.take()
        let after = scene.received(by: viewer, at: address, from: sent)
        #expect(after.counters == Array(450..<900))
        #expect(before.sequences.last.map { $0 &+ 1 } == after.sequences.first)
        #expect(after.isContinuous)
        #expect(scene.received(by: viewer, from: sent).counters.isEmpty)
        #expect(scene.worker.end(of: viewer.id) == nil)
    }

    @Test func `a viewer that does not nominate again is followed after ten seconds of silence`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        scene.play(frames: 1, firstIsKey: true)
        let address = moved(viewer)
        scene.play(frames: 12 * 30, checksOf: viewer, from: address, nominating: false)
        let after = scene.received(by: viewer, at: address, from: scene.worker.sink.take())
        #expect(after.counters.last == UInt32(361 * 3 - 1))
        #expect(after.isContinuous)
        #expect(scene.worker.end(of: viewer.id) == nil)
    }

    @Test func `a publisher's packets say where it is once it has validated the address`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        scene.play(frames: 30, firstIsKey: true)
        _ = scene.worker.sink.take()
        let address = moved(scene.camera.client)
        // The check comes first, so that its packets are let in; it nominates nothing.
        scene.worker.receive(scene.camera.client.bindingRequest(useCandidate: false), from: address)
        for _ in 0..<90 {
            for datagram in scene.camera.frame(isKeyFrame: false) { scene.worker.receive(datagram, from: address) }
            scene.worker.run(until: scene.worker.now + .milliseconds(33))
        }
        let sent = scene.worker.sink.take()
        #expect(scene.received(by: viewer, from: sent).counters == Array(90..<360))
        // Reports go to where the packets come from.
        let reports = sent.filter { !scene.camera.client.openRTCP($0.bytes).isEmpty }.map(\.to)
        #expect(reports.first == scene.camera.client.address)
        #expect(reports.last == address)
    }

    @Test func `packets from an address without a check are not let in`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        scene.play(frames: 30, firstIsKey: true)
        _ = scene.worker.sink.take()
        for datagram in scene.camera.frame(isKeyFrame: false) {
            scene.worker.receive(datagram, from: moved(scene.camera.client))
        }
        #expect(scene.received(by: viewer, from: scene.worker.sink.take()).counters.isEmpty)
    }

    // MARK: Restarts

    private func credentials(seed: UInt64 = 1) -> ICECredentials {
        var generator = SeededGenerator(seed: 1000 + seed)
        let made = SessionUsername.make(worker: 0, using: &generator)
        return ICECredentials(usernameFragment: made.usernameFragment, password: Secret(made.password))
    }

    private let renewedRemote = ICECredentials(usernameFragment: "again", password: Secret("again-password-0123456789"))

    @Test func `after a restart the picture goes on over the old pair until the new one is nominated`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        scene.play(frames: 30, firstIsKey: true)
        let renewed = credentials()
        scene.worker.perform(.restartICE(viewer.id, local: renewed, remote: renewedRemote))
        scene.play(frames: 30)
        let address = moved(viewer)
        scene.worker.receive(viewer.bindingRequest(useCandidate: false, with: renewed), from: address)
        scene.play(frames: 30)
        let old = scene.received(by: viewer, from: scene.worker.sink.take())
        #expect(old.counters == Array(0..<270))
        scene.worker.receive(viewer.bindingRequest(with: renewed), from: address)
        scene.play(frames: 30)
        let sent = scene.worker.sink.take()
        let new = scene.received(by: viewer, at: address, from: sent)
        #expect(new.counters == Array(270..<360))
        #expect(new.sequences.first == old.sequences.last.map { $0 &+ 1 })
        #expect(scene.received(by: viewer, from: sent).counters.isEmpty)
    }

    @Test func `usernames of restarts do not pile up, used or not`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        var all = [viewer.local]
        for round in 0..<50 {
            let renewed = credentials(seed: UInt64(round))
            all.append(renewed)
            scene.worker.perform(.restartICE(viewer.id, local: renewed, remote: renewedRemote))
            #expect(scene.worker.usernameCount == 3)
            if round % 3 == 0 {
                scene.worker.receive(viewer.bindingRequest(with: renewed), from: viewer.address)
                #expect(scene.worker.usernameCount == 2)
            }
        }
        // Only those in use and those that wait are answered.
        _ = scene.worker.sink.take()
        for credentials in all.dropLast(2) {
            scene.worker.receive(viewer.bindingRequest(with: credentials), from: moved(viewer))
        }
        #expect(!scene.worker.sink.take().contains { $0.to == moved(viewer) })
        scene.worker.perform(.removePeer(viewer.id, .requested))
        #expect(scene.worker.usernameCount == 1)
    }

    @Test func `consent that was lost comes back with a restart, and nothing is sent meanwhile`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        scene.play(frames: 1, firstIsKey: true)
        let camera = scene.camera.client
        func play(seconds: Int) {
            scene.play(frames: seconds * 30, checksOf: camera, from: camera.address)
        }
        play(seconds: 25)
        let renewed = credentials()
        scene.worker.perform(.restartICE(viewer.id, local: renewed, remote: renewedRemote))
        play(seconds: 7)
        _ = scene.worker.sink.take()
        play(seconds: 5)
        #expect(!scene.worker.sink.take().contains { $0.to == viewer.address })
        #expect(scene.worker.end(of: viewer.id) == nil)

        scene.worker.receive(viewer.bindingRequest(with: renewed), from: moved(viewer))
        scene.play(frames: 30, firstIsKey: true)
        let received = scene.received(by: viewer, at: moved(viewer), from: scene.worker.sink.take())
        #expect(received.counters.count == 90)
    }

    @Test func `a restart of a session that is no more is nothing`() throws {
        let scene = try Scene()
        scene.worker.perform(.restartICE(99, local: credentials(), remote: renewedRemote))
        #expect(scene.worker.usernameCount == 1)
    }

    // MARK: Causes

    private func end(ofViewer id: PeerID = 10, after prepare: (Scene, VirtualClient) throws -> Void) throws -> PeerEnd?
    {
        let scene = try Scene()
        let client = try VirtualClient(id: id)
        scene.worker.perform(.addViewer(client.specification, []))
        try prepare(scene, client)
        scene.worker.run(until: .zero + .seconds(120))
        return scene.worker.end(of: id)
    }

    @Test func `a client whose checks never come is told apart`() throws {
        #expect(try end { _, _ in } == .noChecks)
    }

    @Test func `a client whose checks do not authenticate has no pair`() throws {
        let end = try end { scene, client in
            let wrong = ICECredentials(usernameFragment: client.local.usernameFragment, password: Secret("wrong"))
            scene.worker.receive(client.bindingRequest(with: wrong), from: client.address)
        }
        #expect(end == .noPair)
    }

    @Test func `a client that nominates nothing and stays silent has no pair`() throws {
        let end = try end { $0.worker.receive($1.bindingRequest(useCandidate: false), from: $1.address) }
        #expect(end == .noPair)
    }

    @Test func `a client that never begins DTLS is told apart`() throws {
        #expect(try end { $0.worker.receive($1.bindingRequest(), from: $1.address) } == .handshakeTimeout)
    }

    @Test func `a client with another certificate than its offer named is told apart`() throws {
        let end = try end { scene, client in
            scene.worker.receive(client.bindingRequest(), from: client.address)
            scene.worker.perform(.handshake(client.id, .failed(.fingerprintMismatch, [])))
        }
        #expect(end == .handshakeFailed(.fingerprintMismatch))
    }

    @Test func `a client that falls silent after it was connected has lost consent`() throws {
        #expect(try end { $1.connect(to: $0.worker) } == .consentExpired)
    }
}
