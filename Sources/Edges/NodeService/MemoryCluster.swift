import Nodes
import Primitives
import Synchronization

/// What gateways of one process share; a gateway that has none but itself shares it with nobody.
package final class MemoryCluster: Sendable {
    private struct State {
        var claims = ClaimTable()
        var nodes: [NodeID: (record: NodeRecord, seenAt: Instant)] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    func origin(of stream: StreamName, at now: Instant) -> StreamOrigin? {
        state.withLock { state in
            guard let (node, epoch) = state.claims.owner(of: stream, at: now), let known = state.nodes[node] else {
                return nil
            }
            return StreamOrigin(stream: stream, node: node, url: known.record.url, epoch: epoch)
        }
    }

    func nodes(at now: Instant) -> [NodeRecord] {
        state.withLock { state in
            state.nodes = state.nodes.filter { now - $0.value.seenAt < ClaimTable.lease }
            return state.nodes.values.map(\.record).sorted { $0.id < $1.id }
        }
    }

    func claim(_ request: ClaimRequest, by node: NodeID, at now: Instant) -> ClaimAnswer {
        state.withLock { $0.claims.claim(request, by: node, at: now) }
    }

    func release(_ stream: StreamName, epoch: UInt64, by node: NodeID) {
        state.withLock { $0.claims.release(stream, epoch: epoch, by: node) }
    }

    func beat(_ record: NodeRecord, streams: [HeldStream], at now: Instant) -> [ClaimAnswer] {
        state.withLock { state in
            state.nodes[record.id] = (record, now)
            return streams.map { state.claims.renew($0, by: record.id, at: now) }
        }
    }

    func leave(_ node: NodeID) {
        state.withLock { state in
            state.nodes[node] = nil
            state.claims.releaseAll(of: node)
        }
    }
}
