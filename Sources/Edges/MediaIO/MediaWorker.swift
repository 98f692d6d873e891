import CLinux
import Glibc
import Primitives

/// A thread with an epoll loop that owns one socket of the shared port and drives one ``MediaCore``.
///
/// Everything between the mailbox and the socket belongs to this thread alone: no locks, no tasks,
/// no reference counts per packet.
final class MediaWorker: Sendable {
    private enum Token {
        static let mailbox: UInt64 = 0
        static let socket: UInt64 = 1
    }

    enum Work: Sendable {
        case command(MediaCommand)
        case stop
    }

    /// Rounds of receiving before timers and commands get their turn.
    private static let receiveRounds = 8

    let number: Int
    private let mailbox = Mailbox<Work>()
    private let coreConfiguration: MediaCore.Configuration
    private let workerCount: Int

    init(number: Int, workerCount: Int, configuration: MediaCore.Configuration) {
        self.number = number
        self.workerCount = workerCount
        coreConfiguration = configuration
    }

    /// Leaves a command; it is carried out on the worker's thread, in order.
    func post(_ command: MediaCommand) {
        mailbox.post(.command(command))
    }

    func stop() {
        mailbox.post(.stop)
    }

    /// Starts the thread, which takes over `socket` and closes it in the end.
    ///
    /// What the worker has to say goes to `outputs`, called on that thread.
    func start(socket: UDPSocket, outputs: Outputs) -> Thread {
        Thread(name: "media-\(number)") { self.run(socket: socket, outputs: outputs) }
    }

    /// Where what a worker says goes.
    struct Outputs: Sendable {
        var message: @Sendable (MediaCore.Message) -> Void
        var handshake: @Sendable (HandshakeInput) -> Void
        var event: @Sendable (MediaEvent) -> Void
    }

    private static func now() -> Instant {
        Instant(nanoseconds: martlet_monotonic_ns())
    }

    private func run(socket: UDPSocket, outputs: Outputs) {
        let port = UDPPort(
            descriptor: socket.descriptor,
            family: socket.family,
            segments: socket.segments,
            localAddresses: socket.localAddresses
        )
        var batch = SendBatch(sink: port)
        var now = Self.now()
        var core = MediaCore(
            configuration: coreConfiguration,
            workerCount: workerCount,
            wallClockOffset: martlet_realtime_ns() - martlet_monotonic_ns(),
            seed: UInt64.random(in: .min ... .max),
            at: now
        )
        let epoll = martlet_epoll_create()
        defer { close(epoll) }
        _ = martlet_epoll_add(epoll, mailbox.descriptor, Token.mailbox)
        _ = martlet_epoll_add(epoll, port.descriptor, Token.socket)
        var events = [martlet_event](repeating: martlet_event(), count: 2)
        var work: [Work] = []
        var watchesOutput = false
        var sentBefore = 0

        while true {
            var timeout: Int64 = -1
            if let deadline = core.deadline { timeout = max(deadline.since(Self.now()).nanoseconds, 0) }
            let maySleep = mailbox.prepareToSleep()
            let count = martlet_epoll_wait(epoll, &events, 2, maySleep ? timeout : 0)
            mailbox.awake()
            now = Self.now()

            for event in events[0..<Int(count)] where event.token == Token.socket {
                if event.writable != 0, batch.resume() { core.resumeViewers(at: now, into: &batch) }
                guard event.readable != 0 else { continue }
                for _ in 0..<Self.receiveRounds {
                    let mayHoldMore = port.receive { datagram, source in
                        core.receive(datagram, from: source, at: now, into: &batch)
                    }
                    if !mayHoldMore { break }
                }
                core.flushForeign()
            }

            work.removeAll(keepingCapacity: true)
            mailbox.take(into: &work)
            for item in work {
                switch item {
                case .command(let command): core.perform(command, at: now, into: &batch)
                case .stop:
                    batch.flush()
                    return
                }
            }
            core.advance(to: now, into: &batch)
            batch.flush()
            if batch.datagramsSent > sentBefore {
                core.noteFlushed(at: Self.now(), datagrams: batch.datagramsSent - sentBefore)
                sentBefore = batch.datagramsSent
            }
            emit(&core, to: outputs)
            if batch.isBlocked != watchesOutput {
                watchesOutput = batch.isBlocked
                _ = martlet_epoll_modify(epoll, port.descriptor, Token.socket, watchesOutput ? 1 : 0)
            }
        }
    }

    private func emit(_ core: inout MediaCore, to outputs: Outputs) {
        if !core.messages.isEmpty {
            for message in core.messages { outputs.message(message) }
            core.messages.removeAll(keepingCapacity: true)
        }
        if !core.handshakes.isEmpty {
            for input in core.handshakes { outputs.handshake(input) }
            core.handshakes.removeAll(keepingCapacity: true)
        }
        if !core.events.isEmpty {
            for event in core.events { outputs.event(event) }
            core.events.removeAll(keepingCapacity: true)
        }
    }
}
