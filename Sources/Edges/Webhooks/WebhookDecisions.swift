package import Auth
import Logging
package import Primitives
import Synchronization
package import Telemetry

/// Asks the application whether somebody may publish or play.
///
/// Whoever asks waits, at most for the configured time. A player of HLS asks with every file it fetches; what was decided for it
/// counts for a while.
package final class WebhookDecisions: AccessDecider {
    /// Questions under way at most; beyond that there is no answer.
    package static let maximumPending = 256

    private let configuration: WebhookConfiguration
    private let transport: any WebhookTransport
    private let signer: WebhookSigner
    private let now: @Sendable () -> Instant
    private let wallClock: @Sendable () -> Timestamp

    private struct State {
        var pending = 0
        var known = DecisionMemory()
        var verdicts: [String: UInt64] = [:]
    }

    private let state = Mutex(State())

    /// - Parameters:
    ///   - configuration: What to ask, for how long, and what counts without an answer.
    ///   - transport: The way to the application.
    ///   - signer: Signs each question.
    ///   - now: The time, on any clock that does not go back.
    ///   - wallClock: The time of day.
    package init(
        configuration: WebhookConfiguration,
        transport: any WebhookTransport,
        signer: WebhookSigner,
        now: @escaping @Sendable () -> Instant = { MonotonicClock.now() },
        wallClock: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.configuration = configuration
        self.transport = transport
        self.signer = signer
        self.now = now
        self.wallClock = wallClock
    }

    /// Decisions so far, by what was decided.
    package var verdicts: [String: UInt64] { state.withLock { $0.verdicts } }

    package func decides(_ permission: Permission) -> Bool { configuration.decisions.contains(permission) }

    package func decide(_ question: AccessQuestion) async -> AccessVerdict {
        if question.way == .hls, let verdict = state.withLock({ [now] in $0.known.verdict(on: question, at: now()) }) {
            return verdict
        }
        let answered = await ask(question)
        // Somebody whom nobody knows is not let in because nobody could be asked.
        let isLenient = configuration.allowsOnFailure && question.credential == nil
        let verdict = answered ?? (isLenient ? .allowed(AccessConditions()) : .undecided)
        state.withLock { state in
            if question.way == .hls, answered != nil { state.known.note(verdict, on: question, at: now()) }
            state.verdicts[answered == nil ? "failed" : verdict.isAllowed ? "allowed" : "denied", default: 0] += 1
        }
        return verdict
    }

    /// - Returns: `nil` when there is no answer, or none that means anything.
    private func ask(_ question: AccessQuestion) async -> AccessVerdict? {
        let hasRoom = state.withLock { state in
            guard state.pending < Self.maximumPending else { return false }
            state.pending += 1
            return true
        }
        guard hasRoom else { return nil }
        defer { state.withLock { $0.pending -= 1 } }
        let time = wallClock()
        let body = WebhookBody.encode(
            type: "\(question.permission.rawValue).requested", time: time, node: configuration.node,
            data: QuestionBody(question))
        let request = signer.request(id: WebhookBody.newID(), timestamp: time.milliseconds / 1_000, body: body)
        guard let answer = try? await transport.post(request, timeout: configuration.timeout) else { return nil }
        return DecisionAnswer.verdict(
            answer, needsWord: question.credential != nil, unixSeconds: time.milliseconds / 1_000)
    }
}

/// A question as the application reads it.
private struct QuestionBody: Encodable {
    struct Credential: Encodable {
        /// `none`, `token`, `key`, or `unknown` for one that the gateway cannot check.
        var kind: String
        /// The `sub` and `jti` of a token.
        var subject: String?
        var id: String?
        /// What was presented, where the gateway cannot check it.
        var value: String?
    }

    var stream: String
    /// `whip`, `whep`, `hls` or `rtmp`.
    var transport: String
    var address: String?
    var credential: Credential

    init(_ question: AccessQuestion) {
        stream = question.stream.description
        transport = question.way.rawValue
        address = question.address
        credential = Credential(
            kind: question.credential == nil ? question.kind.rawValue : "unknown", subject: question.subject,
            id: question.tokenID, value: question.credential?.revealed)
    }
}
