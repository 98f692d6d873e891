import Primitives

/// TCP connections that have not said yet whose they are: bounded in number, in number from one address, and in time.
///
/// Whoever fills the table pushes out those that have waited longest: a client of ours needs one round trip to say
/// what it wants, so that somebody who holds connections open keeps nobody else away.
struct PendingStreams {
    /// A connection that waits.
    struct Entry {
        let descriptor: Int32
        let address: TransportAddress
        let deadline: Instant
        /// What has been read; at most ``StreamGreeting/maximumLength``.
        var bytes: [UInt8] = []
    }

    /// Connections that wait at most.
    static let capacity = 256
    /// Connections from one IPv4 address, or from one IPv6 network of 64 bits.
    static let capacityPerNetwork = 16
    /// How long a connection may wait.
    static let patience = Interval.seconds(10)

    /// What became of a new connection.
    enum Admission: Equatable {
        case admitted
        /// Admitted in the place of another, which is to be closed.
        case displaced(descriptor: Int32)
        /// Too many wait from its address; it is to be closed.
        case refused
    }

    /// The oldest first.
    private(set) var entries: [Entry] = []

    /// When the oldest has waited too long; `nil` when none waits.
    var deadline: Instant? { entries.first?.deadline }

    /// Takes in a new connection.
    mutating func admit(_ descriptor: Int32, from address: TransportAddress, at now: Instant) -> Admission {
        guard entries.count(where: { Self.isSameNetwork($0.address, address) }) < Self.capacityPerNetwork else {
            return .refused
        }
        let oldest = entries.count >= Self.capacity ? entries.removeFirst() : nil
        entries.append(Entry(descriptor: descriptor, address: address, deadline: now + Self.patience))
        return oldest.map { .displaced(descriptor: $0.descriptor) } ?? .admitted
    }

    /// Adds what has been read and judges it; a connection that need not wait any longer is taken out.
    ///
    /// - Returns: What the connection is, and the connection; `nil` for one that does not wait here.
    mutating func receive(
        _ bytes: some Sequence<UInt8>,
        from descriptor: Int32,
        workers: Int
    ) -> (greeting: StreamGreeting, entry: Entry)? {
        guard let index = entries.firstIndex(where: { $0.descriptor == descriptor }) else { return nil }
        entries[index].bytes.append(contentsOf: bytes)
        let entry = entries[index]
        let greeting = StreamGreeting(entry.bytes.span, workers: workers)
        if greeting != .incomplete { entries.remove(at: index) }
        return (greeting, entry)
    }

    /// How many bytes may still be read of a connection.
    func room(for descriptor: Int32) -> Int {
        guard let entry = entries.first(where: { $0.descriptor == descriptor }) else { return 0 }
        return StreamGreeting.maximumLength - entry.bytes.count
    }

    /// Takes out a connection that has ended.
    mutating func remove(_ descriptor: Int32) {
        entries.removeAll { $0.descriptor == descriptor }
    }

    /// Takes out those that have waited too long, to be closed.
    mutating func expire(at now: Instant) -> [Int32] {
        let count = entries.prefix { $0.deadline <= now }.count
        defer { entries.removeFirst(count) }
        return entries.prefix(count).map(\.descriptor)
    }

    /// IPv6 hosts have whole networks of 64 bits to themselves.
    private static func isSameNetwork(_ left: TransportAddress, _ right: TransportAddress) -> Bool {
        left.high == right.high && (left.low == right.low || !left.isIPv4)
            && left.isIPv4 == right.isIPv4
    }
}
