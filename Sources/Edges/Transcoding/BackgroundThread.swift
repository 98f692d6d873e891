import Dispatch
import Glibc
import Synchronization

/// A plain thread for work that takes milliseconds at a time, at a lower priority than the media workers.
enum BackgroundThread {
    /// How much nicer (0 to 19) than the rest of the process: transcoding may be late, packets may not.
    private static let niceness: Int32 = 5

    private final class Body {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    /// Runs `body` on a new thread that nobody joins.
    static func start(_ body: @escaping @Sendable () -> Void) throws(TranscodingError) {
        let box = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let result = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                // On Linux this touches the calling thread only. A refusal changes nothing that matters.
                _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, BackgroundThread.niceness)
                body.run()
                return nil
            },
            box.toOpaque()
        )
        guard result == 0 else {
            box.release()
            throw .threadUnavailable
        }
        pthread_detach(thread)
    }

    /// Runs `body` on a new thread and waits until it says whether it could begin.
    ///
    /// `body` must call its argument once, with what went wrong or `nil`. So everything that the thread works with
    /// can be made on it and never needs to cross threads.
    static func startReporting(
        _ body: @escaping @Sendable (_ report: @Sendable (TranscodingError?) -> Void) -> Void
    ) throws(TranscodingError) {
        final class Outcome: Sendable {
            let error = Mutex<TranscodingError?>(nil)
            let isKnown = DispatchSemaphore(value: 0)
        }
        let outcome = Outcome()
        try start {
            body { error in
                outcome.error.withLock { $0 = error }
                outcome.isKnown.signal()
            }
        }
        outcome.isKnown.wait()
        if let error = outcome.error.withLock({ $0 }) { throw error }
    }
}
