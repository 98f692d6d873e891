import DTLS
import ICE
import MediaIO
import Primitives
import STUN
import Testing

@testable import MediaIO

@Suite("Clients that come by TCP")
struct StreamListenerTests {
    /// A media plane with a session on its second worker that waits for its client.
    private struct Session: ~Copyable {
        let plane: MediaPlane
        let credentials: ICECredentials
        let address: TransportAddress

        init(acceptsTCP: Bool = true) throws {
            plane = try MediaPlane(
                configuration: .init(host: "127.0.0.1", port: 0, workers: 2, acceptsTCP: acceptsTCP)
            ) { _ in }
            credentials = plane.makeCredentials(worker: 1)
            address = TransportAddress(ipv4: 0x7F00_0001, port: plane.port)
            let specification = PeerSpecification(
                id: plane.makePeerID(), local: credentials, remote: nil, role: .server, fingerprints: [])
            plane.post(.addViewer(specification, []), to: 1)
        }

        deinit {
            plane.stop()
        }
    }

    private func isSuccess(_ datagram: [UInt8]?) -> Bool {
        guard let datagram, let message = try? STUNMessage.parse(datagram.span) else { return false }
        return message.class == .success
    }

    @Test func `a check by TCP is answered by the worker it names, and so are those after it`() throws {
        let session = try Session()
        #expect(session.plane.acceptsTCP)
        let client = try StreamClient(to: session.address)
        for transaction in 1...5 as ClosedRange<UInt8> {
            client.send(session.credentials.check(transaction: transaction))
            #expect(isSuccess(client.receive()))
        }
    }

    @Test func `a check in pieces, with the next one behind it, is answered`() throws {
        let session = try Session()
        let client = try StreamClient(to: session.address)
        let bytes = StreamClient.frame(session.credentials.check()) + StreamClient.frame(session.credentials.check())
        for piece in [bytes[..<1], bytes[1..<40], bytes[40...]] { client.send(raw: Array(piece)) }
        #expect(isSuccess(client.receive()))
        #expect(isSuccess(client.receive()))
    }

    @Test func `two clients of one session are two paths`() throws {
        let session = try Session()
        let clients = [try StreamClient(to: session.address), try StreamClient(to: session.address)]
        for client in clients { client.send(session.credentials.check()) }
        for client in clients { #expect(isSuccess(client.receive())) }
    }

    @Test func `whoever does not know the password is shown out without an answer`() throws {
        let session = try Session()
        let stranger = session.plane.makeCredentials(worker: 0)
        for greeting in [
            StreamClient.frame(session.credentials.check(password: "nobodynobodynobodynobo")),
            StreamClient.frame(stranger.check()), Array("GET / HTTP/1.1\r\n\r\n".utf8), [0, 0], [0xFF, 0xFF],
            StreamClient.frame([UInt8](repeating: 0x80, count: 100)),
        ] {
            let client = try StreamClient(to: session.address)
            client.send(raw: greeting)
            #expect(client.receive() == nil)
        }
        let client = try StreamClient(to: session.address)
        client.send(session.credentials.check())
        #expect(isSuccess(client.receive()))
    }

    @Test func `after a frame that is too long the connection is closed`() throws {
        let session = try Session()
        let client = try StreamClient(to: session.address)
        client.send(session.credentials.check())
        #expect(isSuccess(client.receive()))
        client.send(raw: [0xFF, 0xFF, 1])
        #expect(client.receive() == nil)
    }

    @Test func `an address with many silent connections gets no more`() throws {
        let session = try Session()
        let silent = try (0..<PendingStreams.capacityPerNetwork).map { _ in try StreamClient(to: session.address) }
        let late = try StreamClient(to: session.address)
        #expect(late.receive() == nil)
        silent[0].send(session.credentials.check())
        #expect(isSuccess(silent[0].receive()))
    }

    @Test func `a connection ends with its session`() throws {
        let session = try Session()
        let client = try StreamClient(to: session.address)
        client.send(session.credentials.check())
        #expect(isSuccess(client.receive()))
        session.plane.post(.removePeer(1, .requested), to: 1)
        // A farewell by DTLS may come first.
        while client.receive() != nil {}
    }
}
