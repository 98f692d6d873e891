import CLinux
import Glibc
import Primitives
import Synchronization

/// Makes frames of tapped packets, on one thread of lower priority: neither packets nor workers ever wait for it.
final class FrameThread: Sendable {
    private enum Work: Sendable {
        case open(TapSpecification, output: @Sendable (TapOutput) -> Void)
        case packets(TappedPackets)
        case readAllLayers(TapID, Bool)
        case close(TapID)
        case stop
    }

    private let mailbox = Mailbox<Work>()
    private let queues = Mutex(TapQueues())
    private let requestKeyFrame: @Sendable (TrackID, Int) -> Void

    /// `requestKeyFrame` asks the worker that owns a track for a key frame; it is called on this thread.
    init(requestKeyFrame: @escaping @Sendable (TrackID, Int) -> Void) {
        self.requestKeyFrame = requestKeyFrame
    }

    /// Packets that were left out because the thread did not keep up.
    var dropped: Int { queues.withLock { $0.dropped } }

    func start() -> Thread {
        Thread(name: "frames") { self.run() }
    }

    /// Begins a tap, whose output goes to `output` on this thread, which must not wait.
    func open(_ specification: TapSpecification, output: @escaping @Sendable (TapOutput) -> Void) {
        queues.withLock { $0.open(specification.id) }
        mailbox.post(.open(specification, output: output))
    }

    /// Takes packets of a tap; those of one that is not open are forgotten.
    func take(_ packets: TappedPackets) {
        var packets = packets
        if queues.withLock({ $0.admit(&packets) }) { mailbox.post(.packets(packets)) }
    }

    /// Has all layers of a tap's pictures go out, or only the highest.
    func setReadsAllLayers(_ readsAll: Bool, of tap: TapID) {
        mailbox.post(.readAllLayers(tap, readsAll))
    }

    func close(_ tap: TapID) {
        queues.withLock { $0.close(tap) }
        mailbox.post(.close(tap))
    }

    func stop() {
        mailbox.post(.stop)
    }

    private struct Tap {
        var assembler: TapAssembler
        let owner: Int
        var output: @Sendable (TapOutput) -> Void
    }

    private func run() {
        martlet_renice_thread(5)
        let epoll = martlet_epoll_create()
        defer { Glibc.close(epoll) }
        _ = martlet_epoll_add(epoll, mailbox.descriptor, 0)
        var taps: [TapID: Tap] = [:]
        var work: [Work] = []
        var event = martlet_event()
        while true {
            work.removeAll(keepingCapacity: true)
            mailbox.take(into: &work)
            if work.isEmpty {
                if mailbox.prepareToSleep() {
                    let deadline = taps.values.lazy.compactMap(\.assembler.deadline).min()
                    let timeout = deadline.map { max($0.since(Self.now()).nanoseconds, 0) } ?? -1
                    _ = martlet_epoll_wait(epoll, &event, 1, timeout)
                }
                mailbox.awake()
            }
            let now = Self.now()
            for item in work {
                switch item {
                case .open(let specification, let output):
                    taps[specification.id] = Tap(
                        assembler: TapAssembler(tracks: specification.tracks), owner: specification.owner,
                        output: output)
                case .packets(let packets):
                    queues.withLock { $0.release(packets) }
                    taps[packets.tap]?.assembler.receive(packets, at: now)
                    emit(&taps[packets.tap])
                case .readAllLayers(let tap, let readsAll): taps[tap]?.assembler.readsAllLayers = readsAll
                case .close(let tap): taps[tap] = nil
                case .stop: return
                }
            }
            for id in taps.keys {
                guard let due = taps[id]?.assembler.deadline, due <= now else { continue }
                taps[id]?.assembler.advance(to: now)
                emit(&taps[id])
            }
        }
    }

    private func emit(_ tap: inout Tap?) {
        guard let (outputs, requests) = tap?.assembler.takeOutputs(), let owner = tap?.owner, let output = tap?.output
        else { return }
        for item in outputs { output(item) }
        for track in requests { requestKeyFrame(track, owner) }
    }

    private static func now() -> Instant {
        Instant(nanoseconds: martlet_monotonic_ns())
    }
}
