import CHiredis
import CLinux
import Glibc
import MediaIO
package import Primitives
import Synchronization

/// A connection to Redis on a thread of its own, which nobody ever waits for longer than a command may take.
///
/// While there is no connection, commands fail at once: whoever needs Redis goes on without it. The process must ignore
/// SIGPIPE, as hiredis writes without guarding against it.
package final class RedisClient: Sendable {
    private enum Letter: Sendable {
        case command(id: UInt64, [[UInt8]], patience: Interval?, CheckedContinuation<Answer, Never>)
        case resolved([TransportAddress])
        case stop
    }

    private typealias Answer = Result<RedisValue, RedisError>

    private struct Shared {
        var state = RedisState.away("not connected yet")
        var statistics = RedisStatistics()
        var scripts = ScriptNames()
        var thread: Thread?
        var isStopped = false
    }

    private let configuration: RedisConfiguration
    private let mailbox = Mailbox<Letter>()
    private let shared = Mutex(Shared())
    private let nextID = Atomic<UInt64>(1)
    private let onChange: @Sendable (RedisState) -> Void

    /// - Parameters:
    ///   - configuration: Which Redis.
    ///   - onChange: Called when the connection is there, and when it no longer is, on the client's own thread; must not wait.
    package init(_ configuration: RedisConfiguration, onChange: @escaping @Sendable (RedisState) -> Void = { _ in }) {
        self.configuration = configuration
        self.onChange = onChange
    }

    package var state: RedisState { shared.withLock { $0.state } }
    package var statistics: RedisStatistics { shared.withLock { $0.statistics } }

    /// Connects, and connects again whenever the connection is lost.
    package func start() {
        shared.withLock { shared in
            guard shared.thread == nil, !shared.isStopped else { return }
            shared.thread = Thread(name: "redis") { self.run() }
        }
    }

    /// Ends the connection, and commands that wait fail.
    ///
    /// Waits for the thread, which takes milliseconds.
    package func stop() {
        let thread = shared.withLock { shared in
            defer { shared.thread = nil }
            shared.isStopped = true
            return shared.thread
        }
        mailbox.post(.stop)
        thread?.join()
    }

    // MARK: Commands

    /// Sends a command.
    ///
    /// - Parameters:
    ///   - arguments: The command and what follows it.
    ///   - patience: How long the answer may take; a second, unless it is a command that waits by itself.
    /// - Returns: The answer.
    /// - Throws: ``RedisError``.
    @discardableResult
    package func send(_ arguments: [[UInt8]], patience: Interval? = nil) async throws(RedisError) -> RedisValue {
        guard shared.withLock({ !$0.isStopped && $0.thread != nil }) else { throw .away }
        let id = nextID.add(1, ordering: .relaxed).newValue
        let answer = await withCheckedContinuation { continuation in
            mailbox.post(.command(id: id, arguments, patience: patience, continuation))
        }
        return try answer.get()
    }

    /// The same for a command that is text.
    @discardableResult
    package func send(_ arguments: String..., patience: Interval? = nil) async throws(RedisError) -> RedisValue {
        try await send(arguments.map { Array($0.utf8) }, patience: patience)
    }

    /// Has a script carried out, which Redis is given if it does not know it.
    ///
    /// - Parameters:
    ///   - script: What to do.
    ///   - keys: Its `KEYS`.
    ///   - arguments: Its `ARGV`.
    /// - Returns: What it returns.
    /// - Throws: ``RedisError``.
    package func run(
        _ script: RedisScript, keys: [String], _ arguments: [String]
    ) async throws(RedisError) -> RedisValue {
        let rest = ([String(keys.count)] + keys + arguments).map { Array($0.utf8) }
        if let name = shared.withLock({ $0.scripts[script] }) {
            do {
                return try await send([Array("EVALSHA".utf8), Array(name.utf8)] + rest)
            } catch {
                // Restarted, or somebody has flushed its scripts.
                guard case .refused(let text) = error, text.hasPrefix("NOSCRIPT") else { throw error }
            }
        }
        guard let name = try await send("SCRIPT", "LOAD", script.source).text else {
            throw .refused("SCRIPT LOAD gave no name")
        }
        shared.withLock { $0.scripts.set(name, of: script) }
        return try await send([Array("EVALSHA".utf8), Array(name.utf8)] + rest)
    }

    // MARK: The thread

    private enum Token {
        static let mailbox: UInt64 = 0
        /// Each connection has its own, so that what was ready on the one before does not count.
        static let firstConnection: UInt64 = 1
    }

    /// What the thread has in hand.
    private struct Work: ~Copyable {
        let epoll: Int32
        let greeting: [[[UInt8]]]
        var link: Driven<RedisLink>
        var context: RedisContext?
        var token = Token.firstConnection
        /// Commands that were admitted, and whoever waits for them.
        var commands: [UInt64: [[UInt8]]] = [:]
        var waiting: [UInt64: CheckedContinuation<Answer, Never>] = [:]
        var letters: [Letter] = []
        var isOver = false
    }

    private func run() {
        // Redis may wait; packets may not.
        martlet_renice_thread(5)
        let greeting = configuration.greeting.map { $0.map { Array($0.utf8) } }
        var work = Work(
            epoll: martlet_epoll_create(), greeting: greeting,
            link: Driven(
                RedisLink(
                    greetings: greeting.count, patience: configuration.patience,
                    generator: SystemRandomNumberGenerator())))
        defer { close(work.epoll) }
        _ = martlet_epoll_add(work.epoll, mailbox.descriptor, Token.mailbox)
        var events = [martlet_event](repeating: martlet_event(), count: 4)
        while !work.isOver {
            drive(&work) { $0.advance(to: Self.now()) }
            readMail(&work)
            guard !work.isOver, mailbox.prepareToSleep() else { continue }
            let wait = work.link.deadline.map { max(0, ($0 - Self.now()).nanoseconds) } ?? -1
            let count = martlet_epoll_wait(work.epoll, &events, Int32(events.count), wait)
            mailbox.awake()
            for event in events.prefix(Int(count)) where event.token == work.token {
                work.context?.handle(readable: event.readable != 0, writable: event.writable != 0)
            }
            hear(&work)
        }
        work.context?.disconnect()
        for continuation in work.waiting.values { continuation.resume(returning: .failure(.unanswered)) }
        // Whoever wrote while this ended.
        readMail(&work)
    }

    private func readMail(_ work: inout Work) {
        mailbox.take(into: &work.letters)
        for letter in work.letters {
            switch letter {
            case .stop: work.isOver = true
            case .resolved(let addresses): drive(&work) { $0.resolved(addresses, at: Self.now()) }
            case .command(let id, let arguments, let patience, let continuation):
                if work.isOver {
                    continuation.resume(returning: .failure(.away))
                } else {
                    admit(id, arguments, patience, continuation, &work)
                }
            }
        }
        work.letters.removeAll(keepingCapacity: true)
    }

    private func admit(
        _ id: UInt64, _ arguments: [[UInt8]], _ patience: Interval?, _ continuation: CheckedContinuation<Answer, Never>,
        _ work: inout Work
    ) {
        work.commands[id] = arguments
        work.waiting[id] = continuation
        let bytes = arguments.reduce(0) { $0 + $1.count }
        do throws(RedisError) {
            try drive(&work) { (link: inout RedisLink) throws(RedisError) in
                try link.send(id, bytes: bytes, patience: patience, at: Self.now())
            }
        } catch {
            work.commands[id] = nil
            work.waiting[id] = nil
            shared.withLock { $0.statistics.refused += 1 }
            continuation.resume(returning: .failure(error))
        }
    }

    /// Tells the link what has happened to the connection.
    private func hear(_ work: inout Work) {
        while let context = work.context {
            let happenings = context.takeHappenings()
            if happenings.isEmpty { return }
            for happening in happenings where work.context === context {
                switch happening {
                case .connected: drive(&work) { $0.connected(at: Self.now()) }
                case .replied(let value): drive(&work) { $0.replied(value, at: Self.now()) }
                case .lost(let reason):
                    work.context = nil
                    drive(&work) { $0.lost(reason, at: Self.now()) }
                }
            }
        }
    }

    private func drive<Failure: Error>(
        _ work: inout Work, _ input: (inout RedisLink) throws(Failure) -> Void
    ) throws(Failure) {
        var outputs: [RedisLink.Output] = []
        defer { for output in outputs { perform(output, &work) } }
        try work.link.apply(input) { outputs.append($0) }
    }

    private func perform(_ output: RedisLink.Output, _ work: inout Work) {
        switch output {
        case .resolve:
            HostLookup.start(configuration.host, port: configuration.port) { [mailbox] in
                mailbox.post(.resolved($0))
            }
        case .connect(let address):
            work.token += 1
            work.context = RedisContext(to: address, epoll: work.epoll, token: work.token)
            hear(&work)
        case .greet(let index): work.context?.send(work.greeting[index])
        case .ping: work.context?.send([Array("PING".utf8)])
        case .send(let id):
            if let arguments = work.commands.removeValue(forKey: id) { work.context?.send(arguments) }
        case .disconnect:
            work.context?.disconnect()
            work.context = nil
        case .finish(let id, let answer):
            work.commands[id] = nil
            shared.withLock { shared in
                switch answer {
                case .success: shared.statistics.answered += 1
                case .failure: shared.statistics.failed += 1
                }
            }
            work.waiting.removeValue(forKey: id)?.resume(returning: answer)
        case .changed(let state):
            shared.withLock { $0.state = state }
            onChange(state)
        }
    }

    private static func now() -> Instant { Instant(nanoseconds: martlet_monotonic_ns()) }
}

/// Figures about commands, for metrics.
package struct RedisStatistics: Sendable, Equatable {
    package var answered: UInt64 = 0
    /// Refused by Redis, not answered in time, or cut off.
    package var failed: UInt64 = 0
    /// Not sent: there was no connection, or too many waited.
    package var refused: UInt64 = 0

    package init() {}
}
