import CLinux
import CongestionControl
import Primitives
import RTP

/// What congestion control adds to a packet and to a tick, over so many viewers that the cache does not hold them all.
enum CongestionBenchmark {
    static let packetsPerFeedback = 20

    /// Nanoseconds of CPU per packet sent, per packet reported on, and per tick of the pacer.
    struct Figures {
        var send = 0.0
        var feedback = 0.0
        var tick = 0.0
    }

    static func run(viewers: Int, rounds: Int) -> Figures {
        let estimators = UnsafeMutablePointer<BandwidthEstimator>.allocate(capacity: viewers)
        let pacers = UnsafeMutablePointer<Pacer>.allocate(capacity: viewers)
        for index in 0..<viewers {
            (estimators + index).initialize(to: BandwidthEstimator(.init()))
            (pacers + index).initialize(to: Pacer())
            estimators[index].wanted = .megabits(4)
        }
        defer {
            estimators.deinitialize(count: viewers)
            estimators.deallocate()
            pacers.deallocate()
        }
        var feedback = TransportFeedback(
            senderSSRC: 1, mediaSSRC: 2, baseSequenceNumber: 0, packetStatusCount: UInt16(packetsPerFeedback),
            referenceTime: 0, feedbackCount: 0,
            arrivals: (0..<packetsPerFeedback).map { _ in .init(sequenceNumber: 0, delta: 20) })
        var figures = Figures()
        for round in 0..<rounds {
            // Five pictures of four packets, all viewers in turn, as a worker does it; then their feedback.
            for picture in 0..<5 {
                let now = Instant.zero + .milliseconds(Int64(round * 100 + picture * 20))
                let start = martlet_thread_cpu_ns()
                for viewer in 0..<viewers {
                    for _ in 0..<4 {
                        let number = estimators[viewer].nextTransportSequenceNumber
                        estimators[viewer].didSend(transportSequenceNumber: number, size: 1_200, at: now)
                        pacers[viewer].didSend(1_200)
                    }
                }
                figures.send += Double(martlet_thread_cpu_ns() - start)
            }
            let now = Instant.zero + .milliseconds(Int64(round * 100 + 100))
            let base = UInt16(truncatingIfNeeded: round * packetsPerFeedback)
            feedback.baseSequenceNumber = base
            feedback.referenceTime = Int32(truncatingIfNeeded: round * 100 / 64)
            for index in 0..<packetsPerFeedback {
                feedback.arrivals[index].sequenceNumber = base &+ UInt16(truncatingIfNeeded: index)
            }
            let start = martlet_thread_cpu_ns()
            for viewer in 0..<viewers { estimators[viewer].receive(feedback, at: now) }
            let middle = martlet_thread_cpu_ns()
            for viewer in 0..<viewers {
                estimators[viewer].advance(to: now)
                pacers[viewer].refill(estimate: estimators[viewer].estimate, at: now)
                if pacers[viewer].allowance() == 0, estimators[viewer].paddingDue(at: now) < 0 { return figures }
            }
            figures.feedback += Double(middle - start)
            figures.tick += Double(martlet_thread_cpu_ns() - middle)
        }
        let reports = Double(rounds * viewers)
        figures.send /= reports * Double(packetsPerFeedback)
        figures.feedback /= reports * Double(packetsPerFeedback)
        figures.tick /= reports
        return figures
    }
}
