package import Primitives
package import RTP

/// What viewers report.
extension BandwidthEstimator {
    /// Takes transport-wide feedback; what is stale, repeated or about packets never sent changes nothing.
    ///
    /// - Complexity: O(packets reported on), at most the ``SendHistory/capacity`` beside those received; never allocates.
    package mutating func receive(_ feedback: TransportFeedback, at now: Instant) {
        guard history != nil else { return }
        if !clock.begin(referenceTime: feedback.referenceTime, at: now) {
            groups.reset()
            trendline.reset()
            arriving.reset()
        }
        coverage.receive(base: feedback.baseSequenceNumber, count: feedback.packetStatusCount)
        var received = 0
        var late = 0
        var newest: Instant?
        for arrival in feedback.arrivals {
            let time = clock.next(delta: arrival.delta)
            guard let packet = history?.acknowledge(arrival.sequenceNumber, at: now) else { continue }
            if packet.wasLost { late += 1 } else { received += 1 }
            newest = max(newest ?? packet.sentAt, packet.sentAt)
            take(packet, arrival: time)
        }
        let lost = history?.noteLosses(from: feedback.baseSequenceNumber, count: feedback.packetStatusCount) ?? 0
        guard received + late + lost > 0 else { return }
        lastFeedbackAt = now
        lastSilenceAt = nil
        // The newest packet has waited least for the feedback.
        if let newest { noteRoundTrip(now - newest) }

        moveRate(at: now)
        loss.receive(
            expected: received + lost,
            lost: lost - late,
            current: min(rate.bitrate, cap ?? .highest),
            arriving: (arriving.bitrate ?? .zero) * (1 / coverage.part),
            ceiling: rate.bitrate,
            roundTrip: controlRoundTrip,
            hasQueue: overusedAt.map { now - $0 < Self.queueMemory } ?? false,
            at: now
        )
        combine()
    }

    private mutating func take(_ packet: SendHistory.Received, arrival: Instant) {
        arriving.add(packet.size, at: arrival)
        probes.receive(packet, arrival: arrival)
        guard let delta = groups.add(sentAt: packet.sentAt, arrival: arrival),
            let slope = trendline.update(delta)
        else { return }
        detector.update(slope: slope, groups: trendline.count, sent: delta.sent, arrival: delta.arrival)
    }

    private mutating func moveRate(at now: Instant) {
        let isOverused = detector.signal == .overusing
        if arriving.bitrate != nil { isSettled = true }
        if isOverused { overusedAt = now }
        if let found = probes.takeResult(estimate: working), found > working {
            // What a probe found while it made a queue grow is what was free, less what the queue needs to drain.
            let bitrate = min(isOverused ? found * AIMDRateControl.backoff : found, configuration.maximum)
            isSettled = true
            if !loss.isHeavy(at: now) { loss.lift(to: bitrate) }
            if bitrate > rate.bitrate { return rate.set(bitrate) }
        }
        if !isOverused, rate.decreasedAt == nil, let arrived = arriving.bitrate, arrived > rate.bitrate {
            // What arrives without a queue is free; after the first overuse it might be a queue that drains.
            rate.set(arrived)
        }
        rate.update(
            detector.signal,
            acknowledged: arriving.bitrate,
            roundTrip: controlRoundTrip,
            mayGrow: applicationLimit.since == nil && loss.allowsGrowth,
            at: now
        )
        rate.limit(to: configuration.maximum)
    }

    /// Takes the receiver's own estimate, which is never exceeded (draft-alvestrand-rmcat-remb-03 §2).
    package mutating func receive(_ estimate: ReceiverEstimatedMaximumBitrate, at now: Instant) {
        cap = Bitrate(bitsPerSecond: Double(estimate.bitrate))
        combine()
    }

    /// Takes a report block about a stream of ours.
    ///
    /// - Parameters:
    ///   - block: As it came.
    ///   - roundTrip: ``ReportBlock/roundTripTime(at:)``.
    ///   - now: When it came.
    package mutating func receive(_ block: ReportBlock, roundTrip: Interval?, at now: Instant) {
        if let roundTrip { noteRoundTrip(roundTrip) }
        // Transport-wide feedback has told of the same losses already.
        guard let new = reports.update(block), lastFeedbackAt == nil, let sent = sending.bitrate else { return }
        loss.receive(
            expected: new.expected,
            lost: new.lost,
            current: min(cap ?? sent, sent),
            arriving: sent * (1 - Double(new.lost) / Double(new.expected)),
            ceiling: cap ?? sent * Self.reportCeiling,
            roundTrip: controlRoundTrip,
            hasQueue: false,
            at: now
        )
        combine()
    }

    private mutating func noteRoundTrip(_ sample: Interval) {
        let sample = min(max(sample, .zero), .seconds(10))
        roundTrip = roundTrip.map { $0 + (sample - $0) / 4 } ?? sample
    }

    /// The round trip as the controllers use it: a made-up one must not stop them.
    private var controlRoundTrip: Interval { min(roundTrip ?? Self.initialRoundTrip, Self.maximumRoundTrip) }
}
