import CongestionControl
import Primitives
import Testing

/// Paths that change, as one table; `docs/loss-and-congestion.md` has the figures that this test prints.
@Suite("Traces of changing paths", .serialized)
struct TraceTests {
    /// A time and what the path is like from then on.
    struct Phase: Sendable {
        var name: String
        var seconds: Double
        var capacity: Double
        var cross = 0.0
        var jitter: Int64 = 0
        /// The most seconds until the estimate is at home, and the least use of what is there.
        var adapts = 20.0
        var use = 0.75
    }

    static let traces: [[Phase]] = [
        [
            Phase(name: "5 Mbit/s from 300 kbit/s", seconds: 20, capacity: 5, adapts: 3),
            Phase(name: "then 1 Mbit/s", seconds: 30, capacity: 1, adapts: 1.5),
            Phase(name: "then 3 Mbit/s", seconds: 40, capacity: 3),
        ],
        [
            Phase(name: "3 Mbit/s", seconds: 20, capacity: 3, adapts: 3),
            Phase(name: "beside 1 Mbit/s of others", seconds: 30, capacity: 3, cross: 1, adapts: 3),
            Phase(name: "alone again", seconds: 40, capacity: 3),
        ],
        [
            Phase(
                name: "3 Mbit/s, 30 ms of jitter on a way of 50 to 80", seconds: 60, capacity: 3, jitter: 30, adapts: 5)
        ],
    ]

    @Test(arguments: traces) func `each phase is at home in time, well used and without a queue`(
        phases: [Phase]
    ) throws {
        let flow = Flow()
        let simulation = Simulation(Link(.megabits(phases[0].capacity), delay: .milliseconds(50)), flows: [flow])
        var start = 0.0
        for phase in phases {
            simulation.link.capacity = .megabits(phase.capacity)
            simulation.link.jitter = .milliseconds(phase.jitter)
            simulation.crossTraffic = .megabits(phase.cross)
            simulation.run(for: Interval(seconds: phase.seconds))
            let end = start + phase.seconds
            let free = Bitrate.megabits(phase.capacity - phase.cross)
            let adapted = try #require(flow.time(from: start, until: free * 0.8...free * 1.15))
            let use = flow.throughput(end - phase.seconds / 2..<end) / free
            let early = flow.queueing95(start..<start + phase.seconds / 2)
            let settled = flow.queueing95(end - phase.seconds / 2..<end)
            print(
                "trace | \(phase.name) | \((adapted * 10).rounded() / 10) s | \(Int((use * 100).rounded()))% |",
                "\(Int(early.seconds * 1000)) ms | \(Int(settled.seconds * 1000)) ms |")
            #expect(adapted <= phase.adapts)
            #expect((phase.use...1.02).contains(use))
            #expect(settled < .milliseconds(150))
            start = end
        }
    }
}
