package import Media
import Synchronization

/// A reader that hands a stream's frames to the recording thread, and never waits for it.
///
/// Where the thread does not keep up, frames are left out up to a key frame for which there is room; what must be known
/// before it is told again.
package final class StreamRecording: FrameReader {
    private struct State {
        /// Whether everything is being left out.
        var isSkipping = false
        var epoch: PublishEpoch?
        var configurations: [MediaKind: CodecConfiguration] = [:]
    }

    private let id: RecordingID
    private let queue: RecordingQueue
    private let onDrop: @Sendable () -> Void
    private let state = Mutex(State())

    /// `onDrop` is called for each frame that is left out.
    init(id: RecordingID, queue: RecordingQueue, onDrop: @escaping @Sendable () -> Void) {
        self.id = id
        self.queue = queue
        self.onDrop = onDrop
    }

    package func receive(_ event: FrameEvent) {
        state.withLock { state in
            note(event, &state)
            if state.isSkipping {
                guard resumes(with: event, state) else {
                    if case .frame = event { onDrop() }
                    return
                }
                state.isSkipping = false
                push(state.epoch.map { .began($0) }, &state)
                for configuration in state.configurations.values { push(.configured(configuration), &state) }
            }
            push(event, &state)
        }
    }

    /// Nothing follows; the file is completed.
    package func finish() {
        _ = queue.push(.end(id))
    }

    private func note(_ event: FrameEvent, _ state: inout State) {
        switch event {
        case .began(let epoch):
            state.epoch = epoch
            state.configurations = [:]
        case .configured(let configuration): state.configurations[configuration.codec.kind] = configuration
        case .clock(let zero): state.epoch?.unixNanosecondsAtZero = zero
        case .frame, .ended, .closed: break
        }
    }

    private func resumes(with event: FrameEvent, _ state: borrowing State) -> Bool {
        guard case .frame(let frame) = event, queue.hasRecovered else { return false }
        return state.configurations[.video] == nil || frame.codec.kind == .video && frame.isKeyFrame
    }

    private func push(_ event: FrameEvent?, _ state: inout State) {
        guard let event, !state.isSkipping, !queue.push(.event(id, event)) else { return }
        state.isSkipping = true
        _ = queue.push(.gap(id))
        if case .frame = event { onDrop() }
    }
}
