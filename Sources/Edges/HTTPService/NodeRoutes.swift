import Auth
import Hummingbird
import Nodes
import Primitives

/// Gateways as administrators see them: `/api/v1/nodes`.
struct NodeRoutes: Sendable {
    let directory: (any NodeDirectory)?
    let access: Access

    private struct Answer: Encodable {
        /// The gateway that answers.
        var node: String
        /// `working`, or `degraded` while only what was last known counts.
        var state: String
        var nodes: [Node]
    }

    private struct Node: Encodable {
        var id: String
        var url: String
        var sessions: Int
        var streams: Int
        var processor: Double
        var draining: Bool

        init(_ record: NodeRecord) {
            id = record.id.description
            url = record.url
            sessions = record.load.sessions
            streams = record.load.streams
            processor = record.load.processor
            draining = record.isDraining
        }
    }

    /// `GET /api/v1/nodes`.
    func list(_ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        _ = try await access.authorize(.admin, stream: nil, request, peer: peer)
        guard let directory else { throw .notFound }
        return InformationRoutes.json(
            Answer(
                node: directory.id.description, state: directory.state.rawValue,
                nodes: await directory.nodes().map(Node.init)))
    }
}
