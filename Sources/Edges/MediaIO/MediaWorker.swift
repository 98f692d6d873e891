import CLinux
import Glibc
import Primitives

/// A thread with an epoll loop that owns one socket of the shared port, and the TCP connections and links of its
/// sessions, and drives one ``MediaCore``.
///
/// Everything between the mailbox and the socket belongs to this thread alone: no locks, no tasks,
/// no reference counts per packet.
final class MediaWorker: Sendable {
    private enum Token {
        static let mailbox: UInt64 = 0
        static let socket: UInt64 = 1
        /// Added to the number of a TCP connection, or of a link.
        static let connections: UInt64 = 1 << 32
    }

    enum Work: Sendable {
        case command(MediaCommand)
        /// A TCP connection that seems to be for one of our sessions.
        case stream(AcceptedStream)
        /// A socket that connects to another gateway; its session follows.
        case link(LinkSocket)
        case stop
    }

    /// Rounds of receiving before timers and commands get their turn.
    private static let receiveRounds = 8
    /// How often TCP connections that belong to no session are looked for.
    private static let sweepInterval = Interval.seconds(1)

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

    /// Leaves a TCP connection, which the worker takes over.
    func take(_ stream: AcceptedStream) {
        mailbox.post(.stream(stream))
    }

    /// Leaves the socket of a link, which the worker takes over.
    func take(_ link: LinkSocket) {
        mailbox.post(.link(link))
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
        var tapped: @Sendable (TappedPackets) -> Void
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
        let epoll = martlet_epoll_create()
        defer { close(epoll) }
        let connections = StreamConnections { descriptor, number, watchesOutput in
            let token = Token.connections + UInt64(number)
            _ = martlet_epoll_modify(epoll, descriptor, token, watchesOutput ? 1 : 0)
        }
        let links = LinkSockets()
        var batch = SendBatch(sink: MediaSink(port: port, connections: connections, links: links))
        var now = Self.now()
        var core = MediaCore(
            configuration: coreConfiguration,
            workerCount: workerCount,
            wallClockOffset: martlet_realtime_ns() - martlet_monotonic_ns(),
            seed: UInt64.random(in: .min ... .max),
            at: now
        )
        _ = martlet_epoll_add(epoll, mailbox.descriptor, Token.mailbox)
        _ = martlet_epoll_add(epoll, port.descriptor, Token.socket)
        var events = [martlet_event](repeating: martlet_event(), count: 16)
        let capacity = Int32(events.count)
        var work: [Work] = []
        var watchesOutput = false
        var sentBefore = 0
        var nextSweep = now

        while true {
            var deadline = core.deadline
            if connections.count + links.count > 0 { deadline = min(deadline ?? nextSweep, nextSweep) }
            let timeout = deadline.map { max($0.since(Self.now()).nanoseconds, 0) } ?? -1
            let maySleep = mailbox.prepareToSleep()
            let count = martlet_epoll_wait(epoll, &events, capacity, maySleep ? timeout : 0)
            mailbox.awake(isSignalled: events[0..<Int(count)].contains { $0.token == Token.mailbox })
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
            for event in events[0..<Int(count)] where event.token >= Token.connections {
                let number = UInt32(truncatingIfNeeded: event.token)
                if number >= LinkRoute.firstNumber {
                    links.receive(number) { core.receive($0, from: $1, at: now, into: &batch) }
                } else {
                    serve(event, connections, &core, at: now, into: &batch)
                }
            }

            work.removeAll(keepingCapacity: true)
            mailbox.take(into: &work)
            for item in work {
                switch item {
                case .command(let command): core.perform(command, at: now, into: &batch)
                case .stream(let stream): take(stream, connections, epoll, &core, at: now, into: &batch)
                case .link(let link):
                    if links.add(link) {
                        _ = martlet_epoll_add(epoll, link.descriptor, Token.connections + UInt64(link.number))
                    }
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
            if connections.count + links.count > 0 {
                core.noteDropped(connections.takeDropped() + links.takeDropped())
                if nextSweep <= now {
                    nextSweep = now + Self.sweepInterval
                    connections.removeStrangers { core.isKnown($0) }
                    links.removeStrangers { core.isLinked($0) }
                }
            }
            emit(&core, to: outputs)
            if batch.isBlocked != watchesOutput {
                watchesOutput = batch.isBlocked
                _ = martlet_epoll_modify(epoll, port.descriptor, Token.socket, watchesOutput ? 1 : 0)
            }
        }
    }

    /// Lets a TCP connection in if its first datagram, which has been read already, proves it to be a session's.
    private func take(
        _ stream: AcceptedStream,
        _ connections: StreamConnections,
        _ epoll: Int32,
        _ core: inout MediaCore,
        at now: Instant,
        into batch: inout SendBatch
    ) {
        guard let address = connections.add(stream), let descriptor = connections.descriptor(of: address.connection)
        else { return }
        _ = martlet_epoll_add(epoll, descriptor, Token.connections + UInt64(address.connection))
        let isIntact = connections.receive(stream.bytes, by: address.connection) { datagram, source in
            core.receive(datagram, from: source, at: now, into: &batch)
        }
        if !isIntact || !core.isKnown(address) { drop(address, connections, &core) }
    }

    private func serve(
        _ event: martlet_event,
        _ connections: StreamConnections,
        _ core: inout MediaCore,
        at now: Instant,
        into batch: inout SendBatch
    ) {
        let number = UInt32(truncatingIfNeeded: event.token)
        if event.writable != 0 { connections.resume(number) }
        guard event.readable != 0, let address = connections.address(of: number) else { return }
        let goesOn = connections.receive(number) { datagram, source in
            core.receive(datagram, from: source, at: now, into: &batch)
        }
        core.flushForeign()
        if !goesOn { drop(address, connections, &core) }
    }

    private func drop(_ address: TransportAddress, _ connections: StreamConnections, _ core: inout MediaCore) {
        connections.remove(address.connection)
        core.forgetPath(address)
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
        if !core.tapped.isEmpty {
            for packets in core.tapped { outputs.tapped(packets) }
            core.tapped.removeAll(keepingCapacity: true)
        }
    }
}
