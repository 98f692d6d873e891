import Dispatch
import Media
import Synchronization

/// What waits for a video transcoder: bounded, and never blocking whoever brings frames.
///
/// A decoder cannot leave out single frames. So when it is too far behind, everything that waits is forgotten, and all
/// that follows up to the next key frame.
final class FrameBacklog: Sendable {
    /// What the consumer gets.
    struct Item: Sendable {
        var event: FrameEvent
        /// Frames that wait behind it.
        var backlog: Int
        /// Frames were forgotten right before it.
        var isAfterGap: Bool
    }

    /// How long a frame may wait (microseconds): a viewer who is further behind would rather see a jump.
    static let patience: Int64 = 2_000_000
    /// Frames that may wait: a group of pictures of 8 s, which a reader who comes late is given at once.
    static let limit = 512
    /// Bytes of frames that may wait.
    static let maximumBytes = 16 << 20

    private struct State {
        /// Frames, at most ``limit``, and at most one event of each other kind between two of them; with each the time
        /// at which it came.
        var events: [(event: FrameEvent, arrival: Int64)] = []
        var frameCount = 0
        var bytes = 0
        var skipsToKeyFrame = false
        var isAfterGap = false
        var isClosed = false
        var dropped: UInt64 = 0
        var gaps: UInt64 = 0
    }

    private let state = Mutex(State())
    private let available = DispatchSemaphore(value: 0)

    /// Frames forgotten so far because the consumer was too slow.
    var droppedCount: UInt64 { state.withLock { $0.dropped } }

    /// Takes the next event, which came at `now` (microseconds of any clock); frames that are not video are left out.
    ///
    /// - Returns: Whether frames are being forgotten from this one on, so that a key frame would help.
    func push(_ event: FrameEvent, at now: Int64) -> Bool {
        let (isQueued, begins) = state.withLock { state -> (Bool, Bool) in
            guard !state.isClosed else { return (false, false) }
            guard case .frame(let frame) = event else {
                append(event, at: now, to: &state)
                return (true, false)
            }
            guard frame.codec.kind == .video else { return (false, false) }
            if state.skipsToKeyFrame, !frame.isKeyFrame {
                state.dropped &+= 1
                return (false, false)
            }
            var begins = false
            if !state.skipsToKeyFrame, isFull(state, before: frame, at: now) {
                begins = true
                forgetFrames(&state)
                if !frame.isKeyFrame {
                    state.skipsToKeyFrame = true
                    state.dropped &+= 1
                    return (false, true)
                }
            }
            state.skipsToKeyFrame = false
            state.events.append((event, now))
            state.frameCount += 1
            state.bytes += frame.payload.count
            return (true, begins)
        }
        if isQueued { available.signal() }
        return begins
    }

    /// Forgets everything queued and makes ``pop()`` return `nil` from now on.
    func close() {
        state.withLock { state in
            state.isClosed = true
            state.events = []
        }
        available.signal()
    }

    /// The oldest event, waiting for one if need be; `nil` after ``close()``.
    func pop() -> Item? {
        while true {
            available.wait()
            let (item, isClosed): (Item?, Bool) = state.withLock { state in
                guard !state.events.isEmpty else { return (nil, state.isClosed) }
                let event = state.events.removeFirst().event
                guard case .frame(let frame) = event else {
                    return (Item(event: event, backlog: state.frameCount, isAfterGap: false), false)
                }
                state.frameCount -= 1
                state.bytes -= frame.payload.count
                defer { state.isAfterGap = false }
                return (Item(event: event, backlog: state.frameCount, isAfterGap: state.isAfterGap), false)
            }
            if let item { return item }
            if isClosed { return nil }
        }
    }

    private func isFull(_ state: State, before frame: EncodedFrame, at now: Int64) -> Bool {
        if state.frameCount >= Self.limit || state.bytes + frame.payload.count > Self.maximumBytes { return true }
        return state.events.first.map { now - $0.arrival > Self.patience } ?? false
    }

    private func forgetFrames(_ state: inout State) {
        state.dropped &+= UInt64(state.frameCount)
        state.gaps &+= 1
        state.frameCount = 0
        state.bytes = 0
        state.isAfterGap = true
        let others = state.events.filter { !$0.event.isFrame }
        state.events = []
        for (event, arrival) in others { append(event, at: arrival, to: &state) }
    }

    /// Of events of one kind that follow each other without a frame between them, the last one counts.
    private func append(_ event: FrameEvent, at arrival: Int64, to state: inout State) {
        let tail = state.events.reversed().prefix { !$0.event.isFrame }.count
        let range = (state.events.count - tail)..<state.events.count
        switch event {
        // What was said of the epochs before no longer matters, but that one has ended does.
        case .began: state.events.removeSubrange(range)
        default: state.events.removeAll(in: range) { $0.event.isSameKind(as: event) }
        }
        state.events.append((event, arrival))
    }
}

extension FrameEvent {
    fileprivate var isFrame: Bool {
        if case .frame = self { true } else { false }
    }

    fileprivate func isSameKind(as other: FrameEvent) -> Bool {
        switch (self, other) {
        case (.configured(let one), .configured(let two)): one.codec.kind == two.codec.kind
        case (.clock, .clock), (.ended, .ended), (.closed, .closed), (.began, .began): true
        default: false
        }
    }
}

extension Array {
    fileprivate mutating func removeAll(in range: Range<Int>, where matches: (Element) -> Bool) {
        replaceSubrange(range, with: self[range].filter { !matches($0) })
    }
}
