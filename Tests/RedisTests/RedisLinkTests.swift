import Primitives
import TestSupport
import Testing

@testable import Redis

/// A link and the time, and what it wanted since somebody looked last.
private final class Driver {
    var now = Instant.zero
    private var link: Driven<RedisLink>

    init(greetings: Int = 1, seed: UInt64 = 5) {
        link = Driven(RedisLink(greetings: greetings, generator: SeededGenerator(seed: seed)))
    }

    var deadline: Instant? { link.deadline }

    @discardableResult
    func callAsFunction(_ input: (inout RedisLink, Instant) throws -> Void) rethrows -> [RedisLink.Output] {
        var outputs: [RedisLink.Output] = []
        let now = now
        try link.apply({ try input(&$0, now) }, emit: { outputs.append($0) })
        return outputs
    }

    /// Goes on to the link's own deadline.
    func sleep() -> [RedisLink.Output] {
        if let deadline = link.deadline { now = max(now, deadline) }
        return self { $0.advance(to: $1) }
    }

    /// Connects and is greeted.
    func connect() {
        self { $0.advance(to: $1) }
        self { $0.resolved([RedisLinkTests.address], at: $1) }
        self { $0.connected(at: $1) }
        self { $0.replied(.bytes(Array("PONG".utf8)), at: $1) }
    }
}

@Suite("A connection to Redis, without the connection")
struct RedisLinkTests {
    static let address = TransportAddress(ipv4: 0x7F00_0001, port: 6379)
    private static let other = TransportAddress(ipv4: 0x7F00_0002, port: 6379)

    @Test func `a connection is up when its greeting has been answered, and not before`() {
        let driver = Driver(greetings: 2)
        #expect(driver { $0.advance(to: $1) } == [.resolve])
        #expect(driver { $0.resolved([Self.address], at: $1) } == [.connect(Self.address)])
        #expect(driver { $0.connected(at: $1) } == [.greet(0), .greet(1)])
        #expect(driver { $0.replied(.bytes([]), at: $1) } == [])
        #expect(throws: RedisError.away) { try driver { try $0.send(1, bytes: 1, patience: nil, at: $1) } }
        #expect(driver { $0.replied(.bytes([]), at: $1) } == [.changed(.up)])
        #expect(driver { try? $0.send(1, bytes: 1, patience: nil, at: $1) } == [.send(1)])
    }

    @Test func `whoever refuses the greeting is asked again later, in the server's words`() {
        let driver = Driver()
        driver { $0.advance(to: $1) }
        driver { $0.resolved([Self.address], at: $1) }
        driver { $0.connected(at: $1) }
        let outputs = driver { $0.replied(.error("WRONGPASS"), at: $1) }
        #expect(outputs == [.disconnect, .changed(.away("WRONGPASS"))])
        #expect(driver.sleep() == [.resolve])
    }

    @Test func `each address is tried before the name is looked up again`() {
        let driver = Driver()
        driver { $0.advance(to: $1) }
        #expect(driver { $0.resolved([Self.address, Self.other], at: $1) } == [.connect(Self.address)])
        #expect(driver { $0.lost("refused", at: $1) } == [.changed(.away("refused"))])
        #expect(driver.sleep() == [.connect(Self.other)])
        driver { $0.lost("refused", at: $1) }
        #expect(driver.sleep() == [.resolve])
    }

    @Test func `pauses between attempts grow to a second and are not the same for everybody`() {
        let driver = Driver()
        var pauses: [Double] = []
        driver { $0.advance(to: $1) }
        for _ in 0..<20 {
            driver { $0.resolved([], at: $1) }
            let before = driver.now
            #expect(driver.sleep() == [.resolve])
            pauses.append((driver.now - before).milliseconds)
        }
        #expect(pauses.first.map { (80...120).contains($0) } == true)
        #expect(pauses.dropFirst(5).allSatisfy { (800...1_200).contains($0) })
        #expect(Set(pauses.dropFirst(5)).count > 10)
    }

    @Test func `answers belong to commands in the order in which they were sent`() {
        let driver = Driver()
        driver.connect()
        driver { try? $0.send(1, bytes: 1, patience: nil, at: $1) }
        driver { try? $0.send(2, bytes: 1, patience: nil, at: $1) }
        #expect(driver { $0.replied(.integer(7), at: $1) } == [.finish(1, .success(.integer(7)))])
        #expect(driver { $0.replied(.error("ERR"), at: $1) } == [.finish(2, .failure(.refused("ERR")))])
        #expect(driver { $0.replied(.null, at: $1) } == [])
    }

    @Test func `a command that is not answered in time ends the connection and all commands behind it`() {
        let driver = Driver()
        driver.connect()
        driver { try? $0.send(1, bytes: 1, patience: .milliseconds(200), at: $1) }
        driver { try? $0.send(2, bytes: 1, patience: nil, at: $1) }
        let outputs = driver.sleep()
        #expect(driver.now == Instant.zero + .milliseconds(200))
        #expect(outputs.first == .disconnect)
        #expect(outputs.contains(.finish(1, .failure(.unanswered))))
        #expect(outputs.contains(.finish(2, .failure(.unanswered))))
    }

    @Test func `a quiet server is asked whether it is there, and given up when it does not say`() {
        let driver = Driver()
        driver.connect()
        #expect(driver.sleep() == [.ping])
        #expect(driver.now == Instant.zero + .seconds(1))
        driver { $0.replied(.bytes([]), at: $1) }
        #expect(driver.sleep() == [.ping])
        let outputs = driver.sleep()
        #expect(driver.now == Instant.zero + .seconds(3))
        #expect(outputs.first == .disconnect)
    }

    @Test func `a connection that is neither made nor refused is given up`() {
        let driver = Driver()
        driver { $0.advance(to: $1) }
        driver { $0.resolved([Self.address], at: $1) }
        #expect(driver.sleep().first == .disconnect)
        #expect(driver.now == Instant.zero + .seconds(2))
    }

    @Test func `no more commands wait than may`() throws {
        let driver = Driver()
        driver.connect()
        for id in 0..<UInt64(RedisLink.maximumPending) {
            try driver { try $0.send(id, bytes: 1, patience: nil, at: $1) }
        }
        #expect(throws: RedisError.overloaded) { try driver { try $0.send(9_999, bytes: 1, patience: nil, at: $1) } }
        driver { $0.replied(.null, at: $1) }
        try driver { try $0.send(9_999, bytes: 1, patience: nil, at: $1) }
    }

    @Test func `no more bytes wait than may`() throws {
        let driver = Driver()
        driver.connect()
        try driver { try $0.send(1, bytes: RedisLink.maximumPendingBytes, patience: nil, at: $1) }
        #expect(throws: RedisError.overloaded) { try driver { try $0.send(2, bytes: 1, patience: nil, at: $1) } }
    }

    @Test func `answers that nobody waits for, and ends that were told already, change nothing`() {
        let driver = Driver()
        #expect(driver { $0.replied(.null, at: $1) } == [])
        #expect(driver { $0.lost("x", at: $1) } == [])
        #expect(driver { $0.connected(at: $1) } == [])
        #expect(driver { $0.resolved([Self.address], at: $1) } == [])
    }

    @Test func `a long life keeps no memory of what is over`() throws {
        let driver = Driver()
        driver.connect()
        for id in 0..<UInt64(10_000) {
            try driver { try $0.send(id, bytes: 100_000, patience: nil, at: $1) }
            #expect(driver { $0.replied(.integer(1), at: $1) } == [.finish(id, .success(.integer(1)))])
        }
    }

    @Test func `a greeting says who we are and which database, and its password is in no description`() {
        let configuration = RedisConfiguration(host: "h", user: "u", password: Secret("hush-hush"), database: 3)
        #expect(configuration.greeting == [["AUTH", "u", "hush-hush"], ["SELECT", "3"], ["PING"]])
        #expect(RedisConfiguration(host: "h").greeting == [["PING"]])
        #expect(!"\(configuration)".contains("hush-hush"))
    }
}
