import ICE
import Primitives
import Testing

@testable import MediaIO

@Suite("TCP connections that have not said whose they are")
struct PendingStreamsTests {
    private static let credentials = ICECredentials(
        usernameFragment: "Babcdefghijk", password: Secret("0123456789abcdefghijklmn"))
    private static let greeting = StreamClient.frame(credentials.check())

    private static func address(_ number: Int) -> TransportAddress {
        TransportAddress(ipv4: 0x0A00_0000 + UInt32(number), port: 5000)
    }

    private func judge(_ bytes: [UInt8], workers: Int = 2) -> StreamGreeting {
        StreamGreeting(bytes.span, workers: workers)
    }

    // MARK: Greetings

    @Test func `a Binding request names its worker`() {
        #expect(judge(Self.greeting) == .worker(1))
        #expect(judge(Self.greeting + [1, 2, 3]) == .worker(1))
    }

    @Test func `every truncation waits for the rest`() {
        for length in 0..<Self.greeting.count {
            #expect(judge(Array(Self.greeting.prefix(length))) == .incomplete)
        }
    }

    @Test(
        arguments: [
            ("HTTP", Array("GET / HTTP/1.1\r\n".utf8)), ("TLS", [0x16, 0x03, 0x01, 0x02, 0x00]),
            ("an empty frame", [0, 0, 1]), ("a frame that is too long", [0x08, 0x01]),
            ("media before any check", StreamClient.frame([0x80, 96] + [UInt8](repeating: 0, count: 40))),
            (
                "a worker that is not there",
                StreamClient.frame(
                    ICECredentials(
                        usernameFragment: "Cabcdefghijk", password: Secret("0123456789abcdefghijklmn")
                    ).check())
            ),
            (
                "a username that is none of ours",
                StreamClient.frame(
                    ICECredentials(
                        usernameFragment: "Babc", password: Secret("0123456789abcdefghijklmn")
                    ).check())
            ),
            ("noise", [0, 20] + [UInt8](repeating: 1, count: 20)),
        ] as [(String, [UInt8])])
    func `anything else is refused`(what: String, bytes: [UInt8]) {
        #expect(judge(bytes) == .refused, "\(what)")
    }

    @Test func `a flipped bit never gets a connection to another worker than those there are`() {
        for bit in 0..<Self.greeting.count * 8 {
            var bytes = Self.greeting
            bytes[bit / 8] ^= 1 << (bit % 8)
            if case .worker(let worker) = judge(bytes) { #expect((0..<2).contains(worker)) }
        }
    }

    // MARK: Bounds

    @Test func `one address may have so many connections waiting, others are served meanwhile`() {
        let pending = Table()
        for descriptor in 0..<Int32(PendingStreams.capacityPerNetwork) {
            #expect(pending.admit(descriptor, from: Self.address(1), at: .zero) == .admitted)
        }
        #expect(pending.admit(100, from: Self.address(1), at: .zero) == .refused)
        #expect(pending.admit(101, from: Self.address(2), at: .zero) == .admitted)
        pending.remove(3)
        #expect(pending.admit(102, from: Self.address(1), at: .zero) == .admitted)
    }

    @Test func `an IPv6 network of 64 bits counts as one address, and so does nothing larger`() throws {
        let pending = Table()
        for descriptor in 0..<Int32(PendingStreams.capacityPerNetwork) {
            let source = try #require(TransportAddress("2001:db8::\(descriptor + 1)", port: 9))
            #expect(pending.admit(descriptor, from: source, at: .zero) == .admitted)
        }
        let neighbor = try #require(TransportAddress("2001:db8::ffff", port: 9))
        #expect(pending.admit(100, from: neighbor, at: .zero) == .refused)
        let stranger = try #require(TransportAddress("2001:db8:0:1::1", port: 9))
        #expect(pending.admit(101, from: stranger, at: .zero) == .admitted)
    }

    @Test func `in a full table a new connection takes the place of the oldest`() {
        let pending = Table()
        for descriptor in 0..<Int32(PendingStreams.capacity) {
            let source = Self.address(Int(descriptor))
            #expect(pending.admit(descriptor, from: source, at: .zero) == .admitted)
        }
        #expect(pending.admit(1000, from: Self.address(1000), at: .zero) == .displaced(descriptor: 0))
        #expect(pending.count == PendingStreams.capacity)
        #expect(pending.room(for: 0) == 0)
        #expect(pending.receive([1], from: 0) == nil)
    }

    @Test func `a connection that says nothing for ten seconds is taken out`() {
        let pending = Table()
        #expect(pending.deadline == nil)
        _ = pending.admit(5, from: Self.address(1), at: .zero)
        _ = pending.admit(6, from: Self.address(1), at: .zero + .seconds(1))
        // A byte now and then does not buy time.
        _ = pending.receive([0], from: 5)
        #expect(pending.deadline == .zero + .seconds(10))
        #expect(pending.expire(at: .zero + .milliseconds(9999)) == [])
        #expect(pending.expire(at: .zero + .seconds(10)) == [5])
        #expect(pending.expire(at: .zero + .seconds(11)) == [6])
        #expect(pending.count == 0)
    }

    @Test func `a greeting in pieces is put together, and leaves the table with all that was read`() throws {
        let pending = Table()
        _ = pending.admit(5, from: Self.address(1), at: .zero)
        for byte in Self.greeting.dropLast() {
            let (greeting, _) = try #require(pending.receive([byte], from: 5))
            #expect(greeting == .incomplete)
            #expect(pending.room(for: 5) > 0)
        }
        let (greeting, entry) = try #require(pending.receive([Self.greeting.last ?? 0, 7], from: 5))
        #expect(greeting == .worker(1))
        #expect(entry.bytes == Self.greeting + [7])
        #expect(pending.count == 0)
    }

    @Test func `what is kept of a connection is bounded by one frame`() throws {
        let pending = Table()
        _ = pending.admit(5, from: Self.address(1), at: .zero)
        #expect(pending.room(for: 5) == StreamGreeting.maximumLength)
        let longest = [UInt8(StreamDeframer.maximumFrameLength >> 8), 0] + [UInt8](repeating: 0, count: 2047)
        let (waiting, _) = try #require(pending.receive(longest, from: 5))
        #expect(waiting == .incomplete)
        #expect(pending.room(for: 5) == 1)
        let (judged, _) = try #require(pending.receive([0], from: 5))
        #expect(judged == .refused)
    }
}

/// The table, to be called from `#expect`, which cannot change what it looks at.
private final class Table {
    private var pending = PendingStreams()

    func admit(_ descriptor: Int32, from address: TransportAddress, at now: Instant) -> PendingStreams.Admission {
        pending.admit(descriptor, from: address, at: now)
    }

    func receive(_ bytes: [UInt8], from descriptor: Int32) -> (greeting: StreamGreeting, entry: PendingStreams.Entry)? {
        pending.receive(bytes, from: descriptor, workers: 2)
    }

    func expire(at now: Instant) -> [Int32] { pending.expire(at: now) }
    func remove(_ descriptor: Int32) { pending.remove(descriptor) }
    func room(for descriptor: Int32) -> Int { pending.room(for: descriptor) }
    var count: Int { pending.entries.count }
    var deadline: Instant? { pending.deadline }
}
