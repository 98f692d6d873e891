import Auth
package import Nodes
package import Primitives
package import Redis
import Synchronization

/// Gateways that share a Redis.
///
/// While it is away, what was last known counts: origins are where they were, and whoever publishes here is let in.
package final class RedisNodeDirectory: NodeDirectory {
    /// Streams whose origin or epoch is remembered for the time without Redis, at most.
    package static let capacity = 10_000

    private struct State {
        var secret: Secret?
        /// The last beat was heard.
        var isHeard = false
        /// Why it was not.
        var problem: String?
        var origins: [StreamName: StreamOrigin] = [:]
        var epochs: [StreamName: UInt64] = [:]
        var nodes: [NodeRecord] = []
    }

    package let id: NodeID
    private let url: String
    private let redis: RedisClient
    private let process = RandomText.hexadecimal(bytes: 16)
    /// What is proposed when nobody has a secret yet, and kept for a Redis that forgets it.
    private let ownSecret: Secret
    private let configuredSecret: Secret?
    private let shared: Mutex<State>

    /// - Parameters:
    ///   - id: This gateway.
    ///   - url: Where it is reached; see ``NodeRecord/url``.
    ///   - secret: The gateways' common secret where it was configured; otherwise they agree on one through Redis.
    ///   - redis: The connection, which the caller starts and stops.
    package init(id: NodeID, url: String, secret: Secret?, redis: RedisClient) {
        self.id = id
        self.url = url
        self.redis = redis
        configuredSecret = secret
        ownSecret = Secret(RandomText.hexadecimal(bytes: 32))
        shared = Mutex(State(secret: secret))
    }

    package var state: NodeDirectoryState { isWorking ? .working : .degraded }
    package var secret: Secret? { shared.withLock { $0.secret } }
    /// Why it is degraded; `nil` while it is not.
    package var problem: String? {
        if case .away(let reason) = redis.state { return reason }
        return shared.withLock { $0.isHeard ? nil : $0.problem ?? "not heard yet" }
    }

    private var isWorking: Bool { redis.state == .up && shared.withLock { $0.isHeard } }

    // MARK: Questions

    package func origin(of stream: StreamName) async -> StreamOrigin? {
        do throws(RedisError) {
            guard isWorking else { throw .away }
            let answer = try await redis.run(
                ClusterScripts.origin, keys: [ClusterScripts.streamPrefix + stream.description],
                [ClusterScripts.nodePrefix])
            let origin = StreamOrigin(stream, answer)
            shared.withLock { shared in
                Self.keep(origin, of: stream, in: &shared.origins)
                if let origin { Self.keep(origin.epoch, of: stream, in: &shared.epochs) }
            }
            return origin
        } catch {
            return shared.withLock { $0.origins[stream] }
        }
    }

    package func nodes() async -> [NodeRecord] {
        do throws(RedisError) {
            guard isWorking else { throw .away }
            let answer = try await redis.run(
                ClusterScripts.nodes, keys: [ClusterScripts.nodesKey], [ClusterScripts.nodePrefix])
            let nodes = (answer.elements ?? []).compactMap { NodeRecord($0) }.sorted { $0.id < $1.id }
            shared.withLock { $0.nodes = nodes }
            return nodes
        } catch {
            return shared.withLock { $0.nodes }
        }
    }

    // MARK: Claims

    package func claim(_ request: ClaimRequest) async -> ClaimAnswer {
        let stream = request.stream
        let known = max(request.epoch, shared.withLock { $0.epochs[stream] } ?? 0)
        var answer: ClaimAnswer?
        do throws(RedisError) {
            guard isWorking else { throw .away }
            answer = ClaimAnswer(
                try await redis.run(
                    ClusterScripts.claim, keys: [ClusterScripts.streamPrefix + stream.description],
                    [
                        id.description, ClusterScripts.leaseText, ClusterScripts.memoryText, request.holder,
                        request.takeover.rawValue, "\(known)",
                    ]))
        } catch {}
        // Nobody can be asked: whoever is here publishes.
        let granted = answer ?? .granted(epoch: known + 1)
        note(granted, of: stream)
        return granted
    }

    package func release(_ stream: StreamName, epoch: UInt64) async {
        shared.withLock { shared in
            if shared.origins[stream]?.node == id { shared.origins[stream] = nil }
        }
        _ = try? await redis.run(
            ClusterScripts.release, keys: [ClusterScripts.streamPrefix + stream.description],
            [id.description, "\(epoch)"])
    }

    package func beat(_ load: NodeLoad, draining: Bool, streams: [HeldStream]) async -> [ClaimAnswer] {
        var answers = streams.map { ClaimAnswer.granted(epoch: max($0.epoch, 1)) }
        do throws(RedisError) {
            try await greet(load, draining: draining)
            var first = 0
            while first < streams.count {
                let part = streams[first..<min(first + ClusterScripts.streamsPerScript, streams.count)]
                for (offset, answer) in try await renew(part).enumerated() where offset < part.count {
                    answers[first + offset] = answer
                }
                first += part.count
            }
            shared.withLock { $0.isHeard = true }
        } catch {
            shared.withLock { shared in
                shared.isHeard = false
                if case .refused(let text) = error { shared.problem = text } else { shared.problem = nil }
            }
        }
        for (held, answer) in zip(streams, answers) { note(answer, of: held.stream) }
        return answers
    }

    private func greet(_ load: NodeLoad, draining: Bool) async throws(RedisError) {
        let answer = try await redis.run(
            ClusterScripts.beat,
            keys: [
                ClusterScripts.versionKey, ClusterScripts.nodePrefix + id.description, ClusterScripts.nodesKey,
                ClusterScripts.secretKey,
            ],
            [
                ClusterScripts.version, id.description, process, ClusterScripts.leaseText, url, "\(load.sessions)",
                "\(load.streams)", "\(load.processor)", draining ? "1" : "0",
                (configuredSecret == nil ? secret ?? ownSecret : ownSecret).revealed, "\(ClusterScripts.maximumNodes)",
            ])
        guard configuredSecret == nil, let agreed = answer.text, !agreed.isEmpty else { return }
        shared.withLock { $0.secret = Secret(agreed) }
    }

    private func renew(_ streams: ArraySlice<HeldStream>) async throws(RedisError) -> [ClaimAnswer] {
        let answer = try await redis.run(
            ClusterScripts.renew, keys: streams.map { ClusterScripts.streamPrefix + $0.stream.description },
            [id.description, ClusterScripts.leaseText, ClusterScripts.memoryText]
                + streams.flatMap { ["\($0.epoch)", $0.holder, $0.isSilent ? "1" : "0"] })
        let answers = (answer.elements ?? []).compactMap { ClaimAnswer($0) }
        guard answers.count == streams.count else { throw .refused("an answer for some streams is missing") }
        return answers
    }

    package func leave() async {
        _ = try? await redis.run(
            ClusterScripts.leave, keys: [ClusterScripts.nodePrefix + id.description, ClusterScripts.nodesKey],
            [id.description, process])
    }

    // MARK: Memory

    /// What is granted here is here, also for the time without Redis.
    private func note(_ answer: ClaimAnswer, of stream: StreamName) {
        guard case .granted(let epoch) = answer else { return }
        let origin = StreamOrigin(stream: stream, node: id, url: url, epoch: epoch)
        shared.withLock { shared in
            Self.keep(origin, of: stream, in: &shared.origins)
            Self.keep(epoch, of: stream, in: &shared.epochs)
        }
    }

    private static func keep<Value>(_ value: Value?, of stream: StreamName, in table: inout [StreamName: Value]) {
        // Whoever asks for that many streams can do without what was known of them.
        if table[stream] == nil, table.count >= capacity { table = [:] }
        table[stream] = value
    }
}

extension StreamOrigin {
    /// `nil` for what is no answer of ``ClusterScripts/origin``.
    fileprivate init?(_ stream: StreamName, _ answer: RedisValue) {
        guard let fields = answer.elements, fields.count == 3, let node = fields[0].text.flatMap({ NodeID($0) }),
            let url = fields[1].text, let epoch = fields[2].number
        else { return nil }
        self.init(stream: stream, node: node, url: url, epoch: UInt64(clamping: epoch))
    }
}

extension NodeRecord {
    /// `nil` for what is no entry of an answer of ``ClusterScripts/nodes``.
    fileprivate init?(_ answer: RedisValue) {
        guard let fields = answer.elements, fields.count == 6, let id = fields[0].text.flatMap({ NodeID($0) }),
            let url = fields[1].text
        else { return nil }
        let load = NodeLoad(
            sessions: Int(clamping: fields[2].number ?? 0), streams: Int(clamping: fields[3].number ?? 0),
            processor: fields[4].text.flatMap { Double($0) } ?? 0)
        self.init(id: id, url: url, load: load, isDraining: fields[5].number == 1)
    }
}

extension ClaimAnswer {
    /// `nil` for what no script answers about a claim.
    fileprivate init?(_ answer: RedisValue) {
        guard let fields = answer.elements, fields.count == 2 else { return nil }
        if fields[0].number == 1, let epoch = fields[1].number {
            self = .granted(epoch: UInt64(clamping: epoch))
        } else if let node = fields[1].text.flatMap({ NodeID($0) }) {
            self = .held(by: node)
        } else {
            return nil
        }
    }
}
