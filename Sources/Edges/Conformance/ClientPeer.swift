import Media
import MediaClient
package import Primitives
import Synchronization

/// A peer with sockets: the session that `martlet publish` and `martlet play` have.
package final class ClientPeer: ConformancePeer {
    private let connection: ClientConnection
    private let ended = Mutex<PeerEnd?>(nil)
    private let reply = Mutex<ClientReply?>(nil)
    private let pendingRestart = Mutex<ClientRestart?>(nil)
    /// How often a restart has found a path.
    private let restarts = Atomic<Int>(0)
    /// Looks at what a restart has come to, and for how long: a client gives a path up after less.
    private static let glance = Duration.milliseconds(20)
    private static let restartPatience = 500

    /// Opens the sockets.
    ///
    /// - Parameters:
    ///   - kind: To publish H.264 and Opus, of which nothing is sent, or to watch anything.
    ///   - server: The address that signaling goes to, if known: it decides on the interfaces.
    /// - Throws: ``TransportFailure`` when there are no sockets to be had.
    package init(_ kind: EndpointKind, server: TransportAddress?) throws(TransportFailure) {
        do throws(ClientError) {
            connection = try ClientConnection(Self.purpose(kind), server: server)
        } catch {
            throw .broken(error.description)
        }
    }

    private static func purpose(_ kind: EndpointKind) -> ClientSession.Purpose {
        switch kind {
        case .whip: .publish([TrackDescription(codec: .h264), TrackDescription(codec: .opus, channels: 2)])
        case .whep: .play([.h264, .vp8, .vp9, .av1, .h265, .opus, .pcmu, .pcma])
        }
    }

    package var offer: String { connection.offer }
    package var end: PeerEnd? { ended.withLock { $0 } }

    package var receivedPackets: Int64 {
        connection.statistics.incoming.reduce(0) { $0 + $1.packets }
    }

    package func connect(answer: [UInt8]) async -> String? {
        do throws(ClientError) {
            _ = try connection.accept(answer: answer)
        } catch {
            return error.description
        }
        return await connection.waitUntilConnected()?.description
    }

    package func answer(counterOffer: [UInt8]) -> String? {
        guard let made = try? connection.answer(counterOffer: counterOffer) else { return nil }
        reply.withLock { $0 = made }
        return made.sdp
    }

    package func connect() async -> String? {
        guard let made = reply.withLock({ $0 }) else { return "there is no offer to go by" }
        connection.accept(made)
        return await connection.waitUntilConnected()?.description
    }

    package func makeRestart() -> String {
        let restart = connection.makeRestart()
        pendingRestart.withLock { $0 = restart }
        return restart.fragment
    }

    package func restart(answer: [UInt8]) async -> String? {
        guard let restart = pendingRestart.withLock({ $0 }) else { return "no restart was asked for" }
        let before = restarts.load(ordering: .relaxed)
        do throws(ClientError) {
            try connection.accept(restart, answer: answer)
        } catch {
            return error.description
        }
        for _ in 0..<Self.restartPatience {
            if restarts.load(ordering: .relaxed) > before { return nil }
            if end != nil { return "no address of the server answered" }
            try? await Task.sleep(for: Self.glance)
        }
        return "no address of the server answered within 10 s"
    }

    package func follow() async {
        for await event in connection.events {
            switch event {
            case .restarted: restarts.wrappingAdd(1, ordering: .relaxed)
            case .ended(let end): note(end)
            case .connected, .keyFrameRequested: break
            }
        }
    }

    private func note(_ end: ClientEnd) {
        let told: PeerEnd =
            switch end {
            case .requested: .closedByUs
            case .closedByServer: .closedByServer
            case .unreachable, .silent, .handshakeFailed: .silent
            }
        ended.withLock { $0 = told }
    }

    package func close() {
        connection.close()
    }
}
