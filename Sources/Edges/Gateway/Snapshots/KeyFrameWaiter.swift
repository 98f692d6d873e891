import Media
import Synchronization

/// A reader that waits for one key frame of the picture.
final class KeyFrameWaiter: FrameReader {
    private struct State {
        var epoch: UInt64?
        var configuration: CodecConfiguration?
    }

    private let state = Mutex(State())
    private let found: AsyncStream<KeyFrame>
    private let report: AsyncStream<KeyFrame>.Continuation

    init() {
        (found, report) = AsyncStream.makeStream(of: KeyFrame.self, bufferingPolicy: .bufferingOldest(1))
    }

    func receive(_ event: FrameEvent) {
        let keyFrame: KeyFrame? = state.withLock { state in
            switch event {
            case .began(let epoch): state = State(epoch: epoch.number)
            case .configured(let configuration) where configuration.codec.kind == .video:
                state.configuration = configuration
            case .frame(let frame) where frame.codec.kind == .video && frame.isKeyFrame:
                guard let epoch = state.epoch, let configuration = state.configuration else { return nil }
                return KeyFrame(epoch: epoch, configuration: configuration, frame: frame)
            case .ended: state = State()
            case .closed: report.finish()
            default: break
            }
            return nil
        }
        if let keyFrame { report.yield(keyFrame) }
    }

    /// The first key frame; `nil` when none comes within `patience`, or the stream is over.
    func first(within patience: Duration) async -> KeyFrame? {
        let limit = Task { [report] in
            try? await Task.sleep(for: patience)
            report.finish()
        }
        defer { limit.cancel() }
        return await found.first { _ in true }
    }
}
