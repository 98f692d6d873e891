import CongestionControl
import Primitives
import Testing

/// The estimator, pacer and source against a bottleneck, in virtual time.
///
/// ADR 0013 has the figures that are reached.
@Suite("Congestion control on a simulated link")
struct LinkTests {
    @Test(arguments: [0.5, 1, 2, 5])
    func `it reaches 90% of a link within three seconds from 300 kbit per second, and makes no queue`(
        megabits: Double
    ) throws {
        let flow = Flow()
        let simulation = Simulation(Link(.megabits(megabits)), flows: [flow])
        simulation.run(for: .seconds(10))
        let capacity = Bitrate.megabits(megabits)
        #expect(try #require(flow.time(from: 0, until: capacity * 0.9...capacity * 1.2)) <= 3)
        #expect(flow.queueing95(0..<10) < .milliseconds(100))
        #expect(flow.skips == 0)
    }

    @Test(arguments: [20, 50, 100, 300] as [Int64])
    func `it holds 80 to 100% of a link, with a queue of less than 100 ms`(roundTrip: Int64) {
        let flow = Flow()
        let link = Link(.megabits(2), delay: .milliseconds(roundTrip / 2))
        let simulation = Simulation(link, flows: [flow])
        simulation.run(for: .seconds(60))
        #expect((0.8...1.0).contains(flow.throughput(10..<60) / .megabits(2)))
        #expect(flow.queueing95(10..<60) < .milliseconds(100))
        #expect(flow.skips == 0)
        #expect(flow.paddingBytes < 100_000)
    }

    @Test(arguments: [100, 50, 250] as [Int64])
    func `feedback may come often or seldom`(interval: Int64) {
        let flow = Flow(feedbackInterval: .milliseconds(interval))
        let simulation = Simulation(Link(.megabits(2)), flows: [flow])
        simulation.run(for: .seconds(60))
        #expect((0.8...1.0).contains(flow.throughput(10..<60) / .megabits(2)))
        #expect(flow.queueing95(10..<60) < .milliseconds(100))
    }

    @Test func `it falls within a second when the capacity halves, and the queue is gone in five`() throws {
        let flow = Flow()
        let simulation = Simulation(Link(.megabits(2)), flows: [flow])
        simulation.run(for: .seconds(20))
        simulation.link.capacity = .megabits(1)
        simulation.run(for: .seconds(20))
        #expect(try #require(flow.time(from: 20, until: .zero ... .megabits(1))) <= 1)
        #expect(flow.queueing95(25..<40) < .milliseconds(100))
        #expect((0.8...1.0).contains(flow.throughput(25..<40) / .megabits(1)))
    }

    @Test func `it recovers when the capacity comes back`() throws {
        let flow = Flow()
        let simulation = Simulation(Link(.megabits(2)), flows: [flow])
        simulation.run(for: .seconds(15))
        simulation.link.capacity = .megabits(1)
        simulation.run(for: .seconds(15))
        simulation.link.capacity = .megabits(2)
        simulation.run(for: .seconds(30))
        #expect(try #require(flow.time(from: 30, until: .megabits(1.8) ... .megabits(2.5))) <= 20)
        #expect(flow.throughput(50..<60) > .megabits(1.6))
    }

    @Test func `5 to 1 to 3 Mbit per second: at home in each`() throws {
        let flow = Flow()
        let simulation = Simulation(Link(.megabits(5)), flows: [flow])
        simulation.run(for: .seconds(20))
        simulation.link.capacity = .megabits(1)
        simulation.run(for: .seconds(20))
        simulation.link.capacity = .megabits(3)
        simulation.run(for: .seconds(40))
        #expect(flow.throughput(5..<20) > .megabits(4))
        #expect(try #require(flow.time(from: 20, until: .zero ... .megabits(1))) <= 1.5)
        #expect(flow.throughput(25..<40) > .megabits(0.75))
        #expect(flow.queueing95(27..<40) < .milliseconds(100))
        #expect(try #require(flow.time(from: 40, until: .megabits(2.7) ... .megabits(4))) <= 20)
        #expect(flow.throughput(60..<80) > .megabits(2.4))
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `2% random loss leaves more than 80% of the link`(seed: UInt64) {
        let flow = Flow()
        let simulation = Simulation(Link(.megabits(2), loss: 0.02), flows: [flow], seed: seed)
        simulation.run(for: .seconds(60))
        #expect(flow.estimate(5..<60) > .megabits(1.6))
        #expect(flow.throughput(5..<60) > .megabits(1.6))
    }

    @Test(arguments: [0.12, 0.2, 0.4])
    func `more than 10% loss takes the estimate down, and it comes back`(loss: Double) {
        let flow = Flow()
        let simulation = Simulation(Link(.megabits(2)), flows: [flow])
        simulation.run(for: .seconds(10))
        simulation.link.loss = loss
        simulation.run(for: .seconds(30))
        #expect(flow.estimate(39..<40) < flow.estimate(9..<10) * 0.5)
        #expect(flow.estimator.state.limitedBy == .loss)
        simulation.link.loss = 0
        simulation.run(for: .seconds(30))
        #expect(flow.throughput(60..<70) > .megabits(1.5))
    }

    @Test func `cross traffic gets its part, and 30 ms of jitter mislead it little`() {
        let flow = Flow()
        let simulation = Simulation(Link(.megabits(3), jitter: .milliseconds(30)), flows: [flow])
        simulation.run(for: .seconds(20))
        #expect((0.7...1.0).contains(flow.throughput(5..<20) / .megabits(3)))
        simulation.crossTraffic = .megabits(1)
        simulation.run(for: .seconds(30))
        #expect((0.7...1.0).contains(flow.throughput(25..<50) / .megabits(2)))
        #expect(flow.queueing95(25..<50) < .milliseconds(150))
        simulation.crossTraffic = .zero
        simulation.run(for: .seconds(30))
        #expect(flow.throughput(65..<80) > .megabits(2.1))
    }

    @Test(arguments: [0.1, 0.3])
    func `feedback may get lost`(part: Double) {
        let flow = Flow()
        flow.feedbackLoss = part
        let simulation = Simulation(Link(.megabits(2)), flows: [flow])
        simulation.run(for: .seconds(60))
        #expect((0.7...1.0).contains(flow.throughput(10..<60) / .megabits(2)))
        #expect(flow.queueing95(10..<60) < .milliseconds(150))
    }

    @Test func `without feedback the estimate falls to the minimum, and a second of feedback ends that`() {
        let flow = Flow()
        let simulation = Simulation(Link(.megabits(2)), flows: [flow])
        simulation.run(for: .seconds(10))
        flow.feedbackLoss = 1
        simulation.run(for: .seconds(20))
        #expect(flow.estimate(29..<30) < .kilobits(60))
        flow.feedbackLoss = 0
        simulation.run(for: .seconds(20))
        #expect(flow.throughput(45..<50) > .megabits(1.4))
    }

    // MARK: Shared links

    @Test(arguments: zip([2.0, 2, 3, 5], [15.0, 30, 5, 30]))
    func `two flows share a link within a factor of two`(megabits: Double, start: Double) {
        let first = Flow()
        let second = Flow(startsAt: at(start))
        let simulation = Simulation(Link(.megabits(megabits)), flows: [first, second])
        simulation.run(for: .seconds(240))
        let (one, other) = (first.throughput(90..<240), second.throughput(90..<240))
        #expect((0.5...2).contains(one / other))
        #expect((0.8...1).contains((one + other) / .megabits(megabits)))
        #expect(first.queueing95(90..<240) < .milliseconds(200))
    }

    // MARK: Little to send

    @Test func `who sends little keeps the estimate that he had, and it does not grow without evidence`() {
        let flow = Flow(wanted: nil)
        let simulation = Simulation(Link(.megabits(3)), flows: [flow])
        simulation.run(for: .seconds(40))
        let before = flow.estimate(39..<40)
        #expect(before > .megabits(2))
        flow.source.maximum = .kilobits(200)
        simulation.run(for: .seconds(1))
        let kept = flow.estimate(40..<41)
        simulation.run(for: .seconds(60))
        #expect(flow.estimator.state.limitedBy == .application)
        #expect((0.95...1.1).contains(flow.estimate(100..<101) / kept))
        #expect(flow.paddingBytes == 0)
    }

    @Test func `who sends little from the start knows of one and a half times that`() {
        let flow = Flow(Flow.Source(maximum: .kilobits(400)), wanted: nil)
        let simulation = Simulation(Link(.megabits(3)), flows: [flow])
        simulation.run(for: .seconds(60))
        #expect((1.3...1.7).contains(flow.estimate(50..<60) / .kilobits(400)))
    }

    @Test func `a higher layer that somebody wants is probed for, and found`() throws {
        let flow = Flow(Flow.Source(maximum: .kilobits(400)), wanted: .megabits(1.5))
        let simulation = Simulation(Link(.megabits(3)), flows: [flow])
        simulation.run(for: .seconds(10))
        #expect(try #require(flow.time(from: 0, until: .megabits(1.5) ... .megabits(1.9))) <= 3)
        #expect(flow.paddingBytes < 30_000)
    }

    @Test func `a layer that does not fit is not found, and the search costs little`() {
        let flow = Flow(Flow.Source(maximum: .kilobits(400)), wanted: .megabits(3))
        let simulation = Simulation(Link(.megabits(1)), flows: [flow])
        simulation.run(for: .seconds(120))
        #expect(flow.estimate(10..<120) < .megabits(1.1))
        #expect(flow.queueing95(10..<120) < .milliseconds(100))
        #expect(Bitrate(bytes: flow.paddingBytes, in: .seconds(120)) < .kilobits(10))
    }

    @Test func `700 kbit per second instead of 4 Mbit, and back: 5 s down and 15 s up for a viewer of one low layer`()
        throws
    {
        let flow = Flow(Flow.Source(maximum: .megabits(2.5)), wanted: .megabits(2.5))
        let simulation = Simulation(Link(.megabits(4)), flows: [flow])
        simulation.run(for: .seconds(20))
        #expect(flow.estimate(19..<20) > .megabits(2.4))
        simulation.link.capacity = .kilobits(700)
        simulation.run(for: .seconds(5))
        #expect(flow.estimate(24..<25) < .kilobits(750))
        flow.source.maximum = .kilobits(500)
        simulation.run(for: .seconds(40))
        simulation.link.capacity = .megabits(4)
        simulation.run(for: .seconds(20))
        #expect(try #require(flow.time(from: 65, until: .megabits(2.5) ... .megabits(4))) <= 15)
    }

    @Test func `a replay is the first probe: after its beginning the rate of the link is known`() throws {
        var source = Flow.Source(maximum: .megabits(1.5), isAdaptive: false)
        source.replayBytes = 250_000
        let flow = Flow(source, wanted: .megabits(1.5), canPad: false)
        let simulation = Simulation(Link(.megabits(4)), flows: [flow])
        simulation.run(for: .seconds(5))
        #expect(try #require(flow.time(from: 0, until: .megabits(3.2) ... .megabits(4.2))) <= 0.5)
        #expect(flow.paddingBytes == 0)
    }

    @Test(arguments: [200, 1_000] as [Int64])
    func `a stream that is larger than the link, and does not give way, is not taken for one that fits`(queue: Int64) {
        let flow = Flow(Flow.Source(maximum: .megabits(3), isAdaptive: false), wanted: .megabits(3))
        let link = Link(.megabits(2), queueLimit: .milliseconds(queue))
        let simulation = Simulation(link, flows: [flow])
        simulation.run(for: .seconds(60))
        let later = flow.estimates.filter { $0.at > at(3) }
        #expect(later.allSatisfy { $0.rate < .megabits(2.2) })
        #expect(flow.estimate(10..<60) > .megabits(1))
    }

    // MARK: Wraps

    @Test(arguments: SendHistoryTests.starts)
    func `transport-wide numbers may begin anywhere`(start: UInt16) {
        let reference = Flow()
        let flow = Flow(firstSequenceNumber: start)
        Simulation(Link(.megabits(2)), flows: [reference]).run(for: .seconds(15))
        Simulation(Link(.megabits(2)), flows: [flow]).run(for: .seconds(15))
        #expect(flow.estimates.map(\.rate) == reference.estimates.map(\.rate))
    }
}
