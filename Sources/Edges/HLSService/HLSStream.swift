import HLS
import Media
import Primitives
import Synchronization

/// A stream that is watched by HLS: its presentation, and the requests that wait for it.
///
/// Frames come on the publisher's thread and requests on those of HTTP; the lock is held for as long as it takes to
/// copy a frame, or to write a playlist.
final class HLSStream: FrameReader {
    private struct State {
        var presentation: Presentation
        var blocked = BlockedRequests()
        var waiting: [UInt64: CheckedContinuation<HLSAnswer, Never>] = [:]
        var nextID: UInt64 = 0
        var bodies = BodyCache()
        var lastRequest: Instant
        var closedAt: Instant?
    }

    /// Before the first segment, a request waits so long at most.
    static let startPatience = Interval.seconds(10)

    private let state: Mutex<State>
    private let budget: MemoryBudget
    private let now: @Sendable () -> Instant
    /// Called on the publisher's thread when a key frame would help.
    private let onKeyFrameWanted: @Sendable () -> Void

    init(
        configuration: PresentationConfiguration,
        budget: MemoryBudget,
        unixSeconds: Int64,
        now: @escaping @Sendable () -> Instant,
        onKeyFrameWanted: @escaping @Sendable () -> Void
    ) {
        state = Mutex(
            State(
                presentation: Presentation(configuration: configuration, unixSeconds: unixSeconds), lastRequest: now()))
        self.budget = budget
        self.now = now
        self.onKeyFrameWanted = onKeyFrameWanted
    }

    deinit {
        _ = budget.report(0, of: self)
    }

    // MARK: Frames

    func receive(_ event: FrameEvent) {
        change { $0.receive(event, at: $1) }
    }

    /// Takes the next event of a smaller size of the picture.
    func receive(_ event: FrameEvent, rung name: RenditionName) {
        // Whoever made it has ended: the picture is another one.
        if case .closed = event { return removeRungs() }
        change { $0.receive(event, rung: name, at: $1) }
    }

    /// Announces smaller sizes of the picture; see ``Presentation/addRungs(_:)``.
    func addRungs(_ ladder: [(name: RenditionName, bitrate: Int)]) {
        change { presentation, _ in presentation.addRungs(ladder) }
    }

    func removeRungs() {
        change { presentation, _ in presentation.removeRungs() }
    }

    var hasRungs: Bool { state.withLock { $0.presentation.hasRungs } }

    /// Whether somebody waits for the first segment.
    var isAwaited: Bool { state.withLock { !$0.presentation.isReady && !$0.waiting.isEmpty } }

    /// Changes the presentation, and answers those who have waited for it.
    private func change(_ body: (inout Presentation, Instant) -> Void) {
        let now = now()
        let (answered, wantsKeyFrame) = state.withLock { state in
            let version = state.presentation.version
            body(&state.presentation, now)
            let wantsKeyFrame = state.presentation.wantsKeyFrame
            state.presentation.wantsKeyFrame = false
            if state.presentation.isClosed, state.closedAt == nil { state.closedAt = now }
            guard state.presentation.version != version else { return (Answered(), wantsKeyFrame) }
            let excess = budget.report(state.presentation.byteCount, of: self)
            if excess > 0 {
                state.presentation.trim(toBytes: max(0, state.presentation.byteCount - excess), at: now)
                _ = budget.report(state.presentation.byteCount, of: self)
            }
            return (Self.takeAnswered(&state), wantsKeyFrame)
        }
        for (continuation, answer) in answered { continuation.resume(returning: answer) }
        if wantsKeyFrame { onKeyFrameWanted() }
    }

    private typealias Answered = [(CheckedContinuation<HLSAnswer, Never>, HLSAnswer)]

    private static func takeAnswered(_ state: inout State) -> Answered {
        state.blocked.answered(by: state.presentation).compactMap { request, answer in
            guard let continuation = state.waiting.removeValue(forKey: request.id),
                let body = state.bodies.body(of: answer, request.name, request.directives, state.presentation)
            else { return nil }
            return (continuation, body)
        }
    }

    // MARK: Requests

    func answer(_ name: ResourceName, directives: PlaylistDirectives) async -> HLSAnswer {
        let now = now()
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await answer(name, directives: directives, id: id, at: now)
        } onCancel: {
            giveUp(id)
        }
    }

    private func answer(
        _ name: ResourceName, directives: PlaylistDirectives, id: UInt64, at now: Instant
    ) async -> HLSAnswer {
        await withCheckedContinuation { continuation in
            let answer: HLSAnswer? = state.withLock { state in
                state.lastRequest = now
                let answer = state.presentation.answer(name, directives: directives)
                if let body = state.bodies.body(of: answer, name, directives, state.presentation) { return body }
                // RFC 8216bis §6.2.5.2: three target durations, then it has failed.
                let patience = state.presentation.targetDuration.map { Interval.seconds(Int64(3 * $0)) }
                // Who was given up before is not found when it is held afterwards.
                guard !Task.isCancelled else { return .timedOut }
                let request = BlockedRequests.Request(
                    id: id, name: name, directives: directives,
                    deadline: now + (patience ?? Self.startPatience))
                guard state.blocked.hold(request) else { return .overloaded }
                state.waiting[request.id] = continuation
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    /// Lets go of a request whose client has hung up.
    private func giveUp(_ id: UInt64) {
        let continuation = state.withLock { state in
            guard let continuation = state.waiting.removeValue(forKey: id) else {
                return nil as CheckedContinuation<HLSAnswer, Never>?
            }
            state.blocked.cancel(id)
            return continuation
        }
        continuation?.resume(returning: .timedOut)
    }

    /// Turns away who has waited too long.
    func expire() {
        let now = now()
        let expired = state.withLock { state in
            state.blocked.expired(at: now).compactMap { state.waiting.removeValue(forKey: $0) }
        }
        for continuation in expired { continuation.resume(returning: .timedOut) }
    }

    /// Answers all who wait, because nothing will come any more.
    func abandon() {
        let waiting = state.withLock { state in
            defer { state.waiting = [:] }
            for id in state.waiting.keys { state.blocked.cancel(id) }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume(returning: .notPublishing) }
    }

    var isClosed: Bool { state.withLock { $0.closedAt != nil } }

    /// Requests that wait at the moment.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// How long nobody has asked for anything; `zero` while somebody waits.
    func idleTime() -> Interval {
        let now = now()
        return state.withLock { $0.waiting.isEmpty ? now - $0.lastRequest : .zero }
    }

    /// How long the stream has been over; `nil` while it is not.
    func closedTime() -> Interval? {
        let now = now()
        return state.withLock { state in state.closedAt.map { now - $0 } }
    }
}
