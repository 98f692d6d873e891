package import Media
import Synchronization

/// Makes snapshots on threads of its own, which end when there is nothing left to do.
///
/// Nothing waits for them: who asks is called back, and what is more than may wait is refused.
package final class SnapshotMaker: Sendable {
    /// What makes a picture; tests take its place.
    typealias Render =
        @Sendable (EncodedFrame, CodecConfiguration, PictureBox) throws(TranscodingError) -> [UInt8]

    private struct Job: Sendable {
        var frame: EncodedFrame
        var configuration: CodecConfiguration
        var box: PictureBox
        var completion: @Sendable (Result<[UInt8], TranscodingError>) -> Void
    }

    private struct State {
        var waiting: [Job] = []
        var threads = 0
    }

    /// Pictures that are decoded at the same time.
    package static let maximumThreads = 2
    /// Pictures that wait for a thread.
    package static let maximumWaiting = 32

    private let state = Mutex(State())
    private let render: Render

    package convenience init() {
        self.init(render: Snapshot.jpeg)
    }

    init(render: @escaping Render) {
        self.render = render
    }

    /// Makes a JPEG file of a key frame before long.
    ///
    /// - Parameters:
    ///   - frame: A key frame, which nobody has checked.
    ///   - configuration: How it is encoded.
    ///   - box: The room that the picture has to fit into.
    ///   - completion: Called once, on one of the threads, or at once when there is none to be had; must not wait.
    /// - Returns: `false` when too many wait; `completion` is not called then.
    package func make(
        of frame: EncodedFrame, _ configuration: CodecConfiguration, within box: PictureBox,
        completion: @escaping @Sendable (Result<[UInt8], TranscodingError>) -> Void
    ) -> Bool {
        let job = Job(frame: frame, configuration: configuration, box: box, completion: completion)
        let (isTaken, needsThread) = state.withLock { state in
            guard state.waiting.count < Self.maximumWaiting else { return (false, false) }
            state.waiting.append(job)
            guard state.threads < Self.maximumThreads else { return (true, false) }
            state.threads += 1
            return (true, true)
        }
        guard needsThread else { return isTaken }
        do throws(TranscodingError) {
            try BackgroundThread.start { [self] in work() }
        } catch {
            for job in orphans() { job.completion(.failure(error)) }
        }
        return true
    }

    private func work() {
        while let job = next() {
            do throws(TranscodingError) {
                job.completion(.success(try render(job.frame, job.configuration, job.box)))
            } catch {
                job.completion(.failure(error))
            }
        }
    }

    private func next() -> Job? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.threads -= 1
                return nil
            }
            return state.waiting.removeFirst()
        }
    }

    /// A thread did not come: what waits for none that is left, nobody will do.
    private func orphans() -> [Job] {
        state.withLock { state in
            state.threads -= 1
            guard state.threads == 0 else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
    }
}
