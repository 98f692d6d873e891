import Media
import MediaClient
package import Primitives
import Synchronization

/// A peer with sockets: the session that `martlet publish` and `martlet play` have.
package final class ClientPeer: ConformancePeer {
    private let connection: ClientConnection
    private let ended = Mutex<PeerEnd?>(nil)

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

    package func follow() async {
        for await case .ended(let end) in connection.events {
            let told: PeerEnd =
                switch end {
                case .requested: .closedByUs
                case .closedByServer: .closedByServer
                case .unreachable, .silent, .handshakeFailed: .silent
                }
            ended.withLock { $0 = told }
        }
    }

    package func close() {
        connection.close()
    }
}
