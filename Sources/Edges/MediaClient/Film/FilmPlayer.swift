import CLinux
import Glibc
package import Media
import MediaIO
import Synchronization

/// Plays a file as a live stream, on a thread of its own: each frame is given out when its decoding time has come.
package final class FilmPlayer: Sendable {
    /// Why a film ended by itself.
    package enum End: Sendable {
        case finished
        case failed(FilmError)
        /// Pictures change places although the file did not tell (B-frames), and the film was to be refused then.
        case reordered
    }

    /// What the thread and its owner share.
    private final class Control: Sendable {
        let isStopped = Atomic(false)
    }

    private let control = Control()
    private let thread: Mutex<Thread?>

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - reader: The file, at its beginning.
    ///   - loops: Whether to begin anew at the end, with times that go on.
    ///   - refusesReordering: Whether to end where a picture is shown before one that came earlier.
    ///   - frame: Called with each frame, on the thread; the configurations are ``FilmReader/configurations``.
    ///   - end: Called once on the thread if the film ends by itself, not after ``stop()``.
    package init(
        _ reader: consuming FilmReader,
        loops: Bool,
        refusesReordering: Bool,
        frame: @escaping @Sendable (EncodedFrame) -> Void,
        end: @escaping @Sendable (End) -> Void
    ) {
        let control = control
        let showing = Showing(reader, loops: loops, refusesReordering: refusesReordering)
        thread = Mutex(
            Thread(name: "film") {
                let reason = showing.run(while: { !control.isStopped.load(ordering: .relaxed) }, frame: frame)
                if !control.isStopped.load(ordering: .relaxed) { end(reason) }
            }
        )
    }

    deinit {
        control.isStopped.store(true, ordering: .relaxed)
    }

    /// Ends the film, and waits for the frame that is being given out.
    package func stop() {
        control.isStopped.store(true, ordering: .relaxed)
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }
}

/// All that the thread of a film owns.
///
/// A class, because noncopyable values cannot be captured by a closure. It is `Sendable` although it is not protected:
/// after `init` nobody but the thread touches it.
private final class Showing: @unchecked Sendable {
    /// A stall of the machine longer than this is not made up for, or the server would get it all at once.
    private static let maximumLag: Int64 = 500_000
    /// The longest sleep, after which to look whether to stop; microseconds.
    private static let longestSleep: Int64 = 100_000
    /// Time from the last frame to the first of the next round where the film tells no better.
    private static let pause: Int64 = 33_333

    private var reader: FilmReader
    private let loops: Bool
    private let refusesReordering: Bool
    private var reordering = VideoReorderingFilter()
    /// Added to the times of the file: what the rounds before took.
    private var offset: Int64 = 0
    private var latest: Int64 = 0
    private var lastStep: Int64 = pause
    /// Microseconds of the monotonic clock at time 0.
    private var origin: Int64 = 0

    init(_ reader: consuming FilmReader, loops: Bool, refusesReordering: Bool) {
        if let video = reader.video { reordering.configure(video.configuration) }
        self.reader = reader
        self.loops = loops
        self.refusesReordering = refusesReordering
    }

    func run(while isWanted: () -> Bool, frame output: (EncodedFrame) -> Void) -> FilmPlayer.End {
        origin = Self.now()
        do throws(FilmError) {
            while isWanted() {
                guard var frame = try reader.read() else {
                    guard loops, latest > offset else { return .finished }
                    try reader.rewind()
                    offset = latest + lastStep
                    continue
                }
                if refusesReordering, reordering.admit(frame) != .forward { return .reordered }
                frame.decodeTime += offset
                frame.presentationTime += offset
                if frame.codec.kind == .video, frame.decodeTime > latest { lastStep = frame.decodeTime - latest }
                latest = max(latest, frame.decodeTime)
                guard sleep(until: frame.decodeTime, while: isWanted) else { break }
                output(frame)
            }
        } catch {
            return .failed(error)
        }
        return .finished
    }

    private static func now() -> Int64 { martlet_monotonic_ns() / 1_000 }

    private func sleep(until time: Int64, while isWanted: () -> Bool) -> Bool {
        while isWanted() {
            let wait = origin + time - Self.now()
            if wait < -Self.maximumLag { origin -= wait }
            guard wait > 0 else { return true }
            usleep(UInt32(min(wait, Self.longestSleep)))
        }
        return false
    }
}
