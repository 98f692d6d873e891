import CongestionControl
import Primitives
import TestSupport

/// Flows that share a bottleneck, in virtual time.
final class Simulation {
    private(set) var now = Instant.zero
    var link: Link
    let flows: [Flow]
    /// Other people's packets on the same link, 1,200 bytes each.
    var crossTraffic = Bitrate.zero
    private var random: SeededGenerator
    private var nextCrossPacket = Instant.zero

    init(_ link: Link, flows: [Flow], seed: UInt64 = 1) {
        self.link = link
        self.flows = flows
        random = SeededGenerator(seed: seed)
    }

    func run(for duration: Interval) {
        let end = now + duration
        while now < end {
            if crossTraffic > .zero {
                nextCrossPacket = max(nextCrossPacket, now)
                while nextCrossPacket < now + .milliseconds(1) {
                    _ = link.send(1_200, at: nextCrossPacket, using: &random)
                    nextCrossPacket = nextCrossPacket + Interval(seconds: 1_200 * 8 / crossTraffic.bitsPerSecond)
                }
            }
            for flow in flows { flow.step(&link, at: now, using: &random) }
            now = now + .milliseconds(1)
        }
    }
}

/// Seconds since the start of a simulation.
func at(_ seconds: Double) -> Instant { .zero + Interval(seconds: seconds) }

extension Flow {
    /// Bytes that arrived in a span of time, as a rate.
    func throughput(_ range: Range<Double>) -> Bitrate {
        let span = at(range.lowerBound)..<at(range.upperBound)
        let bytes = delivered.reduce(0) { span.contains($1.at) ? $0 + $1.bytes : $0 }
        return Bitrate(bytes: bytes, in: span.upperBound - span.lowerBound)
    }

    /// The mean of the estimates in a span of time.
    func estimate(_ range: Range<Double>) -> Bitrate {
        let span = at(range.lowerBound)..<at(range.upperBound)
        let chosen = estimates.filter { span.contains($0.at) }
        return Bitrate(bitsPerSecond: chosen.reduce(0) { $0 + $1.rate.bitsPerSecond } / Double(max(chosen.count, 1)))
    }

    /// The time that 95 of 100 packets waited in the queue at most.
    func queueing95(_ range: Range<Double>) -> Interval {
        let span = at(range.lowerBound)..<at(range.upperBound)
        let delays = queueing.filter { span.contains($0.at) }.map(\.delay).sorted()
        return delays.isEmpty ? .zero : delays[delays.count * 95 / 100]
    }

    /// Seconds from `start` until the estimate first is in `range`; `nil` if never.
    func time(from start: Double, until range: ClosedRange<Bitrate>) -> Double? {
        estimates.first { $0.at >= at(start) && range.contains($0.rate) }.map { ($0.at - at(start)).seconds }
    }
}
