import Auth
import Foundation
import Primitives
import RoomService
import Rooms
import Signaling
import Synchronization
import Testing

/// A store and its clients, in virtual time and without a network.
final class Harness: Sendable {
    private struct State {
        var now = Instant.zero
        var unixSeconds = Int64(Date.now.timeIntervalSince1970)
        var isDraining = false
    }

    private let state = Mutex(State())
    let tokens: TokenAuthority
    let revocations = RevocationList(path: nil)
    private let policy: AccessPolicy

    init(policy: AccessPolicy = AccessPolicy()) async {
        self.policy = policy
        tokens = await TokenAuthority(secret: Secret("0123456789abcdef0123456789abcdef"))
    }

    func makeStore(limits: RoomLimits = RoomLimits()) -> MemoryRoomStore {
        MemoryRoomStore(limits: limits, clock: { self.state.withLock { $0.now } })
    }

    func advance(by interval: Interval) {
        state.withLock { state in
            state.now = state.now + interval
            state.unixSeconds += interval.nanoseconds / 1_000_000_000
        }
    }

    func beginDraining() { state.withLock { $0.isDraining = true } }

    func client(_ store: MemoryRoomStore, from peer: String = "127.0.0.1") -> SignalingClient {
        let gate = SignalingGate(
            authorizer: Authorizer(policy: policy, tokens: tokens, revocations: revocations),
            guesses: GuessLimit(perMinute: 1_000),
            origin: RequestOrigin(
                peer: TransportAddress(peer, port: 1),
                transport: .http(host: "localhost:8080", origins: [], isForwarded: false)))
        return SignalingClient(
            store: store, gate: gate, resumeWindow: store.resumeWindow, now: { self.state.withLock { $0.now } },
            unixSeconds: { self.state.withLock { $0.unixSeconds } },
            isDraining: { self.state.withLock { $0.isDraining } }, destination: { "https://other.example?\($0)" },
            wake: {})
    }

    func token(
        _ pattern: String, _ permissions: [Permission], lifetime: Duration = .seconds(600)
    ) async throws -> String {
        try await tokens.issue(
            stream: try #require(StreamPattern(pattern)), permissions: permissions, lifetime: lifetime
        ).revealed
    }
}

extension SignalingClient {
    func say(_ text: String) async { await receive(text: Array(text.utf8)) }

    /// Everything it is sent now, as JSON.
    func heardNow() async -> [JSONValue] {
        var result: [JSONValue] = []
        for output in await outputs() {
            if case .text(let text) = output, let value = try? JSONReader.read(Array(text.utf8).span) {
                result.append(value)
            }
        }
        return result
    }

    func outputs() async -> [Output] {
        var result: [Output] = []
        while let output = await nextOutput() {
            result.append(output)
            if result.count > 10_000 {
                Issue.record("a client is told things without end")
                break
            }
        }
        return result
    }
}

extension [JSONValue] {
    var types: [String] { compactMap { if case .string(let type) = $0["type"] { type } else { nil } } }

    func first(_ type: String, _ member: String) -> JSONValue? { first { $0["type"] == .string(type) }?[member] }
}

extension JSONValue {
    /// The text of a string; empty for anything else.
    var string: String { if case .string(let text) = self { text } else { "" } }
}
