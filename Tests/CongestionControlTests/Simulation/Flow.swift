import CongestionControl
import Primitives
import RTP
import SFU
import TestSupport

/// A sender with its estimator and pacer, a source of pictures, and the receiver that reports.
final class Flow {
    struct Source {
        /// What the source makes at most.
        var maximum = Bitrate.megabits(10)
        /// Whether it follows the estimate, as an encoder or layers do, or makes ``maximum`` always.
        var isAdaptive = true
        var framesPerSecond = 30
        /// Sent fast at the start, in groups of 16, and ahead of anything else.
        var replayBytes = 0
    }

    private struct Waiting {
        var size: Int
        var since: Instant
    }

    var source: Source
    var estimator: BandwidthEstimator
    var pacer = Pacer()
    let startsAt: Instant
    /// The part of feedback that gets lost on its way back.
    var feedbackLoss = 0.0
    private var receiver: TransportFeedbackGenerator
    private var queue: [Waiting] = []
    private var replay: Int
    private var isReplaying = false
    private var nextFrame: Instant
    private var arrivals: [(number: UInt16, at: Instant)] = []
    private var feedback: [(TransportFeedback, at: Instant)] = []

    // What is measured.
    private(set) var estimates: [(at: Instant, rate: Bitrate)] = []
    private(set) var queueing: [(at: Instant, delay: Interval)] = []
    private(set) var delivered: [(at: Instant, bytes: Int)] = []
    private(set) var paddingBytes = 0
    private(set) var skips = 0

    init(
        _ source: Source = Source(),
        start: Bitrate = .kilobits(300),
        wanted: Bitrate? = .megabits(10),
        startsAt: Instant = .zero,
        firstSequenceNumber: UInt16 = 0,
        canPad: Bool = true,
        feedbackInterval: Interval = .milliseconds(100)
    ) {
        self.source = source
        var configuration = BandwidthEstimator.Configuration(canPad: canPad)
        configuration.start = start
        estimator = BandwidthEstimator(configuration, firstSequenceNumber: firstSequenceNumber)
        estimator.wanted = wanted
        self.startsAt = startsAt
        receiver = TransportFeedbackGenerator(senderSSRC: 1, interval: feedbackInterval)
        replay = source.replayBytes
        nextFrame = startsAt
    }

    /// One millisecond.
    func step(_ link: inout Link, at now: Instant, using random: inout SeededGenerator) {
        guard now >= startsAt else { return }
        receive(delay: link.delay, at: now, using: &random)
        makeFrame(at: now)
        guard (now.nanoseconds / 1_000_000) % 5 == 0 else { return }
        estimator.advance(to: now)
        pacer.refill(estimate: estimator.estimate, at: now)
        if replay > 0 {
            sendReplay(&link, at: now, using: &random)
        } else {
            sendMedia(&link, at: now, using: &random)
        }
        pad(&link, at: now, using: &random)
        if now.nanoseconds % 100_000_000 == 0 {
            estimates.append((now, estimator.estimate ?? .zero))
        }
    }

    private func receive(delay: Interval, at now: Instant, using random: inout SeededGenerator) {
        while let first = arrivals.first, first.at <= now {
            receiver.receive(sequenceNumber: first.number, mediaSSRC: 2, at: first.at)
            arrivals.removeFirst()
        }
        while let report = receiver.advance(to: now) {
            if feedbackLoss > 0, Double.random(in: 0..<1, using: &random) < feedbackLoss { continue }
            feedback.append((report, now + delay))
        }
        while let first = feedback.first, first.at <= now {
            estimator.receive(first.0, at: now)
            feedback.removeFirst()
        }
    }

    private func makeFrame(at now: Instant) {
        guard now >= nextFrame else { return }
        nextFrame = nextFrame + .seconds(1) / Int64(source.framesPerSecond)
        let rate = source.isAdaptive ? min(estimator.estimate ?? .kilobits(300), source.maximum) : source.maximum
        var bytes = max(Int(rate.bitsPerSecond / 8 / Double(source.framesPerSecond)), 100)
        while bytes > 0 {
            queue.append(Waiting(size: min(bytes, 1_200), since: now))
            bytes -= 1_200
        }
    }

    private func sendReplay(_ link: inout Link, at now: Instant, using random: inout SeededGenerator) {
        if !isReplaying {
            estimator.beginReplay(at: .megabits(10), now: now)
            isReplaying = true
        }
        for _ in 0..<5 where replay > 0 {
            send(1_200, over: &link, at: now, using: &random)
            replay -= 1_200
        }
        if replay <= 0 { estimator.endReplay(at: now) }
    }

    private func sendMedia(_ link: inout Link, at now: Instant, using random: inout SeededGenerator) {
        if let first = queue.first, pacer.isTooLate(age: now - first.since) {
            // The next picture is a key frame.
            queue.removeAll()
            skips += 1
        }
        var allowance = pacer.allowance(waiting: queue.reduce(0) { $0 + $1.size })
        var sent = 0
        while sent < queue.count, allowance > 0 {
            send(queue[sent].size, over: &link, at: now, using: &random)
            if allowance != .max { allowance -= queue[sent].size }
            sent += 1
        }
        queue.removeFirst(sent)
    }

    private func pad(_ link: inout Link, at now: Instant, using random: inout SeededGenerator) {
        var due = estimator.paddingDue(at: now)
        while due > 0 {
            let size = min(max(due, 200), 1_000)
            send(size, over: &link, at: now, using: &random)
            paddingBytes += size
            due -= size
        }
    }

    private func send(_ size: Int, over link: inout Link, at now: Instant, using random: inout SeededGenerator) {
        let number = estimator.nextTransportSequenceNumber
        estimator.didSend(transportSequenceNumber: number, size: size, at: now)
        pacer.didSend(size)
        let result = link.send(size, at: now, using: &random)
        queueing.append((now, result.queueing))
        guard let arrival = result.arrival else { return }
        arrivals.append((number, arrival))
        delivered.append((arrival, size))
    }
}
