import Auth
import RoomService
import Synchronization

/// Connections that are heard by `POST`, by the secret that stands in their address.
///
/// Each lives as long as its event stream, so there are no more than ``SignalingEndpoint/maximumConnections``.
final class SignalingStreams: Sendable {
    /// One of them, which takes one request at a time, so that its messages stay in order.
    final class Connection: Sendable {
        let client: SignalingClient
        private let isBusy = Mutex(false)

        init(_ client: SignalingClient) {
            self.client = client
        }

        /// - Returns: `nil`, without having done anything, while another request is being taken.
        func exclusively<Answer>(_ body: () async -> Answer) async -> Answer? {
            let isFree = isBusy.withLock { busy in
                defer { busy = true }
                return !busy
            }
            guard isFree else { return nil }
            defer { isBusy.withLock { $0 = false } }
            return await body()
        }
    }

    private let connections = Mutex<[String: Connection]>([:])

    /// - Returns: The secret by which it is known from now on.
    func add(_ client: SignalingClient) -> String {
        let id = RandomText.hexadecimal(bytes: 16)
        connections.withLock { $0[id] = Connection(client) }
        return id
    }

    func remove(_ id: String) { connections.withLock { $0[id] = nil } }

    subscript(id: String) -> Connection? { connections.withLock { $0[id] } }

    var count: Int { connections.withLock { $0.count } }
}
