import CLinux
import Glibc
import Primitives

/// Takes TCP connections to the media port, and gives each to the worker that its first frame names.
///
/// A thread of its own: whoever connects and says nothing, or nonsense, is no concern of the workers. It answers
/// nothing.
final class StreamListener: Sendable {
    private enum Token {
        static let mailbox: UInt64 = 0
        static let listener: UInt64 = 1
        /// Added to a connection's descriptor.
        static let connections: UInt64 = 1 << 32
    }

    /// Connections taken at one go, before those that wait get their turn.
    private static let acceptRounds = 64
    /// How long nothing is accepted when the process has no descriptor left.
    private static let pause = Interval.seconds(1)

    private let descriptor: Int32
    private let workerCount: Int
    /// Anything that is posted ends the thread.
    private let mailbox = Mailbox<Void>()
    private let handOver: @Sendable (Int, AcceptedStream) -> Void

    /// A listener that has not started.
    ///
    /// `descriptor` listens and stays the caller's. `handOver` gets a worker's connections, on the listener's thread.
    init(
        descriptor: Int32,
        workerCount: Int,
        handOver: @escaping @Sendable (Int, AcceptedStream) -> Void
    ) {
        self.descriptor = descriptor
        self.workerCount = workerCount
        self.handOver = handOver
    }

    func start() -> Thread {
        Thread(name: "accept") { self.run() }
    }

    func stop() {
        mailbox.post(())
    }

    private func run() {
        // Strangers may wait; packets may not.
        martlet_renice_thread(5)
        let epoll = martlet_epoll_create()
        defer { close(epoll) }
        _ = martlet_epoll_add(epoll, mailbox.descriptor, Token.mailbox)
        _ = martlet_epoll_add(epoll, descriptor, Token.listener)
        var pending = PendingStreams()
        defer { for entry in pending.entries { close(entry.descriptor) } }
        var events = [martlet_event](repeating: martlet_event(), count: 16)
        let capacity = Int32(events.count)
        var posted: [Void] = []
        var resumesAt: Instant?
        while true {
            let now = Instant(nanoseconds: martlet_monotonic_ns())
            for expired in pending.expire(at: now) { close(expired) }
            if let resume = resumesAt, resume <= now {
                resumesAt = nil
                _ = martlet_epoll_add(epoll, descriptor, Token.listener)
            }
            mailbox.take(into: &posted)
            guard posted.isEmpty else { return }
            let deadline = [pending.deadline, resumesAt].compactMap(\.self).min()
            let timeout = deadline.map { max($0.since(now).nanoseconds, 0) } ?? -1
            let count = martlet_epoll_wait(epoll, &events, capacity, mailbox.prepareToSleep() ? timeout : 0)
            mailbox.awake()
            for event in events[0..<Int(count)] {
                switch event.token {
                case Token.mailbox: break
                case Token.listener:
                    guard !accept(into: &pending, epoll: epoll) else { continue }
                    // The kernel would tell us of the same connection again and again.
                    _ = martlet_epoll_remove(epoll, descriptor)
                    resumesAt = Instant(nanoseconds: martlet_monotonic_ns()) + Self.pause
                default: read(Int32(truncatingIfNeeded: event.token - Token.connections), &pending, epoll: epoll)
                }
            }
        }
    }

    /// Takes connections until there are none.
    ///
    /// - Returns: Whether the process could take them.
    private func accept(into pending: inout PendingStreams, epoll: Int32) -> Bool {
        for _ in 0..<Self.acceptRounds {
            var name = sockaddr_in6()
            let connection = martlet_accept(descriptor, &name)
            guard connection >= 0 else {
                let failure = errno
                return failure != EMFILE && failure != ENFILE && failure != ENOBUFS && failure != ENOMEM
            }
            guard let address = SocketAddress.read(&name) else {
                close(connection)
                continue
            }
            switch pending.admit(connection, from: address, at: Instant(nanoseconds: martlet_monotonic_ns())) {
            case .refused:
                close(connection)
                continue
            case .displaced(let other): close(other)
            case .admitted: break
            }
            _ = martlet_epoll_add(epoll, connection, Token.connections + UInt64(connection))
        }
        return true
    }

    private func read(_ connection: Int32, _ pending: inout PendingStreams, epoll: Int32) {
        // None of ours any more if it has just been displaced, and then the number may already be somebody else's.
        let room = pending.room(for: connection)
        guard room > 0 else { return }
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, initialized in
            count = recv(connection, buffer.baseAddress, room, Int32(MSG_DONTWAIT))
            initialized = max(count, 0)
        }
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0, let (greeting, entry) = pending.receive(bytes, from: connection, workers: workerCount) else {
            pending.remove(connection)
            close(connection)
            return
        }
        switch greeting {
        case .incomplete: break
        case .refused: close(connection)
        case .worker(let worker):
            _ = martlet_epoll_remove(epoll, connection)
            handOver(worker, AcceptedStream(descriptor: connection, address: entry.address, bytes: entry.bytes))
        }
    }
}
