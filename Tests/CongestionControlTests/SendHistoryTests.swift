import CongestionControl
import Primitives
import TestSupport
import Testing

@Suite("Send history")
struct SendHistoryTests {
    static let starts: [UInt16] = [0, 1, 127, 128, 1_023, 1_024, 32_767, 32_768, 64_512, 65_535]

    private static func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

    private static func filled(from start: UInt16, count: Int) -> SendHistory {
        var history = SendHistory()
        for index in 0..<count {
            history.add(start &+ UInt16(truncatingIfNeeded: index), size: 100 + index, at: at(Int64(index)))
        }
        return history
    }

    @Test(arguments: starts)
    func `a packet is found under its number, with its time and size`(start: UInt16) throws {
        var history = Self.filled(from: start, count: 500)
        for index in 0..<500 as Range<Int> {
            let found = history.acknowledge(start &+ UInt16(index), at: Self.at(600))
            let packet = try #require(found)
            #expect(packet.sentAt == Self.at(Int64(index)))
            #expect(packet.size == 100 + index)
            #expect(!packet.wasLost)
        }
    }

    @Test(arguments: starts)
    func `what was never sent is not found, however near`(start: UInt16) {
        var history = Self.filled(from: start, count: 10)
        for distance in [1, 2, 500, 32_767, 32_768] as [UInt16] {
            let before = history.acknowledge(start &- distance, at: Self.at(20))
            let after = history.acknowledge(start &+ 9 &+ distance, at: Self.at(20))
            #expect(before == nil)
            #expect(after == nil)
        }
    }

    @Test func `a packet is received once`() {
        var history = Self.filled(from: 7, count: 3)
        let first = history.acknowledge(8, at: Self.at(10))
        let second = history.acknowledge(8, at: Self.at(11))
        #expect(first != nil)
        #expect(second == nil)
    }

    @Test(arguments: starts)
    func `missing packets of a range are lost once, and can still come late`(start: UInt16) throws {
        var history = Self.filled(from: start, count: 100)
        for index in 0..<100 as Range<UInt16> where index % 10 != 3 {
            _ = history.acknowledge(start &+ index, at: Self.at(200))
        }
        let lost = history.noteLosses(from: start, count: 100)
        let again = history.noteLosses(from: start, count: 100)
        #expect(lost == 10)
        #expect(again == 0)
        let late = history.acknowledge(start &+ 13, at: Self.at(210))
        #expect(try #require(late).wasLost)
    }

    @Test(arguments: starts)
    func `a range that claims more than was sent loses only what was sent`(start: UInt16) {
        var history = Self.filled(from: start, count: 20)
        let lost = history.noteLosses(from: start &- 5_000, count: .max)
        #expect(lost == 20)
        var empty = SendHistory()
        let none = empty.noteLosses(from: start, count: .max)
        #expect(none == 0)
    }

    @Test(arguments: starts)
    func `numbers that are jumped over were not sent`(start: UInt16) {
        var history = Self.filled(from: start, count: 5)
        history.add(start &+ 50, size: 1, at: Self.at(10))
        let skipped = history.acknowledge(start &+ 20, at: Self.at(20))
        #expect(skipped == nil)
        let lost = history.noteLosses(from: start, count: 51)
        #expect(lost == 6)
    }

    @Test(arguments: starts)
    func `a number that goes back begins a new history`(start: UInt16) {
        var history = Self.filled(from: start, count: 5)
        history.add(start, size: 9, at: Self.at(10))
        #expect(history.count == 1)
        let found = history.acknowledge(start, at: Self.at(20))
        #expect(found?.size == 9)
    }

    @Test func `a report after ten seconds is about another path`() {
        var history = Self.filled(from: 0, count: 2)
        let inTime = history.acknowledge(0, at: Self.at(10_000))
        let late = history.acknowledge(1, at: Self.at(10_002))
        #expect(inTime != nil)
        #expect(late == nil)
    }

    @Test func `times are exact to a microsecond when their 32 bits wrap`() throws {
        var history = SendHistory()
        let wrap = Instant(nanoseconds: Int64(UInt32.max) * 1_000)
        for step in 0..<4 as Range<Int64> {
            history.add(UInt16(step), size: 1, at: wrap + .microseconds(step - 2))
        }
        for step in 0..<4 as Range<Int64> {
            let found = history.acknowledge(UInt16(step), at: wrap + .milliseconds(70))
            #expect(try #require(found).sentAt == wrap + .microseconds(step - 2))
        }
    }
}
