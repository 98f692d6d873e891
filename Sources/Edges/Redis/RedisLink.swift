import Primitives

/// One connection to Redis, without the connection: when to make it, how to begin, which commands wait for an answer, and when
/// to give up.
///
/// Redis answers commands in the order in which they were sent, so that one which is not answered in time holds up all
/// others: then the connection is given up, and made anew.
struct RedisLink: Engine {
    enum Output: Equatable {
        /// Look the host's addresses up, off every loop.
        case resolve
        case connect(TransportAddress)
        /// Send the n-th command of ``RedisConfiguration/greeting``.
        case greet(Int)
        case ping
        /// Send the command that was admitted under this number.
        case send(UInt64)
        case disconnect
        case finish(UInt64, Result<RedisValue, RedisError>)
        case changed(RedisState)
    }

    /// Commands that wait for an answer, at most.
    static let maximumPending = 1_024
    /// Bytes of those commands, at most.
    static let maximumPendingBytes = 4 << 20
    /// Between attempts, the first time and at most.
    static let pauses = (first: Interval.milliseconds(100), longest: Interval.milliseconds(1_000))

    private enum Phase {
        case waiting(until: Instant)
        case resolving
        case connecting(until: Instant)
        /// Answers to the greeting that are still to come.
        case greeting(remaining: Int)
        case up
    }

    private struct Pending {
        enum Kind {
            case greeting
            case ping
            case command(UInt64)
        }

        var kind: Kind
        var deadline: Instant
        var bytes: Int
    }

    private let greetings: Int
    /// How long an answer may take, unless a command says otherwise, and how long it may be quiet before somebody asks
    /// whether the server is there.
    private let patience: Interval
    private var generator: any RandomNumberGenerator
    private var phase = Phase.waiting(until: .zero)
    /// The oldest first; what is before `firstPending` is over.
    private var pending: [Pending] = []
    private var firstPending = 0
    private var pendingBytes = 0
    private var pause = Self.pauses.first
    private var heardAt = Instant.zero
    private var addresses: [TransportAddress] = []
    private var outputs: [Output] = []
    private var firstOutput = 0
    /// What was said last, so that it is said once.
    private var state: RedisState?

    /// - Parameters:
    ///   - greetings: How many commands the greeting has; at least one.
    ///   - patience: How long an answer may take; a connection may take twice as long, and so may its greeting.
    ///   - generator: Spreads the attempts of many gateways.
    init(greetings: Int, patience: Interval = .seconds(1), generator: any RandomNumberGenerator) {
        precondition(greetings > 0, "a greeting is how we know that somebody answers")
        self.greetings = greetings
        self.patience = patience
        self.generator = generator
    }

    private var connectPatience: Interval { patience * 2 }

    var isUp: Bool {
        if case .up = phase { return true }
        return false
    }

    /// Commands that wait for an answer, ours included.
    var pendingCount: Int { pending.count - firstPending }

    var deadline: Instant? {
        let answer = pendingCount > 0 ? pending[firstPending].deadline : nil
        switch phase {
        case .waiting(let until), .connecting(let until): return until
        case .resolving: return nil
        case .greeting: return answer
        case .up: return answer ?? heardAt + patience
        }
    }

    mutating func nextOutput() -> Output? {
        guard firstOutput < outputs.count else {
            outputs.removeAll(keepingCapacity: true)
            firstOutput = 0
            return nil
        }
        firstOutput += 1
        return outputs[firstOutput - 1]
    }

    mutating func advance(to now: Instant) {
        if pendingCount > 0, pending[firstPending].deadline <= now {
            giveUp("no answer within \(Int(patience.milliseconds)) ms", at: now)
        }
        switch phase {
        case .waiting(let until) where until <= now:
            if let next = addresses.popLast() {
                phase = .connecting(until: now + connectPatience)
                outputs.append(.connect(next))
            } else {
                phase = .resolving
                outputs.append(.resolve)
            }
        case .connecting(let until) where until <= now:
            giveUp("no connection within \(Int(connectPatience.milliseconds)) ms", at: now)
        case .up where pendingCount == 0 && heardAt + patience <= now:
            expect(.ping, bytes: 0, until: now + patience)
            outputs.append(.ping)
        default: break
        }
    }

    // MARK: The connection

    /// The host's addresses, of which each is tried; none when it has no address.
    mutating func resolved(_ found: [TransportAddress], at now: Instant) {
        guard case .resolving = phase else { return }
        addresses = found.prefix(8).reversed()
        if found.isEmpty {
            fail("the host has no address", at: now)
        } else {
            phase = .waiting(until: now)
            advance(to: now)
        }
    }

    mutating func connected(at now: Instant) {
        guard case .connecting = phase else { return }
        phase = .greeting(remaining: greetings)
        for index in 0..<greetings {
            expect(.greeting, bytes: 0, until: now + connectPatience)
            outputs.append(.greet(index))
        }
    }

    /// The connection ended by itself, or could not be made.
    mutating func lost(_ reason: String, at now: Instant) {
        switch phase {
        case .connecting, .greeting, .up: fail(reason, at: now)
        case .waiting, .resolving: break
        }
    }

    /// Ends the connection for a reason of the driver.
    mutating func giveUp(_ reason: String, at now: Instant) {
        outputs.append(.disconnect)
        fail(reason, at: now)
    }

    private mutating func fail(_ reason: String, at now: Instant) {
        for entry in pending[firstPending...] {
            if case .command(let id) = entry.kind { outputs.append(.finish(id, .failure(.unanswered))) }
        }
        pending = []
        firstPending = 0
        pendingBytes = 0
        let next = addresses.isEmpty ? pause * Double.random(in: 0.8...1.2, using: &generator) : .zero
        phase = .waiting(until: now + next)
        if addresses.isEmpty { pause = min(pause * 2, Self.pauses.longest) }
        change(to: .away(reason))
    }

    private mutating func change(to new: RedisState) {
        switch (state, new) {
        case (.up, .up), (.away, .away): break
        default: outputs.append(.changed(new))
        }
        state = new
    }

    // MARK: Commands

    /// Admits a command, which is then sent, and finished some time.
    mutating func send(_ id: UInt64, bytes: Int, patience: Interval?, at now: Instant) throws(RedisError) {
        guard case .up = phase else { throw .away }
        guard pendingCount < Self.maximumPending, pendingBytes + bytes <= Self.maximumPendingBytes else {
            throw .overloaded
        }
        expect(.command(id), bytes: bytes, until: now + (patience ?? self.patience))
        outputs.append(.send(id))
    }

    /// Takes in an answer, which is that of the oldest command.
    mutating func replied(_ value: RedisValue, at now: Instant) {
        guard pendingCount > 0 else { return }
        heardAt = now
        let entry = pending[firstPending]
        firstPending += 1
        pendingBytes -= entry.bytes
        if firstPending > 256, firstPending * 2 > pending.count {
            pending.removeFirst(firstPending)
            firstPending = 0
        }
        switch entry.kind {
        case .ping: break
        case .command(let id):
            if case .error(let text) = value {
                outputs.append(.finish(id, .failure(.refused(text))))
            } else {
                outputs.append(.finish(id, .success(value)))
            }
        case .greeting: greeted(value, at: now)
        }
    }

    private mutating func greeted(_ value: RedisValue, at now: Instant) {
        guard case .greeting(let remaining) = phase else { return }
        if case .error(let text) = value {
            addresses = []
            return giveUp(text, at: now)
        }
        if remaining > 1 {
            phase = .greeting(remaining: remaining - 1)
        } else {
            phase = .up
            pause = Self.pauses.first
            addresses = []
            change(to: .up)
        }
    }

    private mutating func expect(_ kind: Pending.Kind, bytes: Int, until deadline: Instant) {
        pending.append(Pending(kind: kind, deadline: deadline, bytes: bytes))
        pendingBytes += bytes
    }
}
