import ICE
import Primitives
import RTP
import SFU
import WebRTC

/// What happens by the clock: reports, feedback, silence noticed.
extension MediaCore {
    /// Timers are coarse: each tick visits a tenth of the peers, so each peer once a second.
    static var tickInterval: Interval { .milliseconds(100) }
    private static var phases: Int { 10 }

    mutating func tick(at now: Instant, into batch: inout SendBatch) {
        tickPhase = (tickPhase + 1) % Self.phases
        for slot in 0..<peers.capacity where peers.contains(slot) {
            switch peers[slot].pointee.role {
            case .publisher: sendTransportFeedback(to: slot, at: now, into: &batch)
            case .viewer: adaptViewer(slot, at: now, into: &batch)
            }
            if slot % Self.phases == tickPhase { visit(slot, at: now, into: &batch) }
        }
        for slot in 0..<tracks.capacity where tracks.contains(slot) {
            // Requests that the publisher has not answered are repeated a bounded number of times.
            if tracks[slot].pointee.keyFrames.advance(to: now) {
                sendKeyFrameRequest(track: slot, at: now, into: &batch)
            }
        }
    }

    private mutating func visit(_ slot: Int, at now: Instant, into batch: inout SendBatch) {
        let peer = peers[slot]
        // Who connects outwards is ended by its own agent.
        if peer.pointee.linkNumber == 0 {
            if peer.pointee.ice.isOver(at: now) {
                endPeer(slot, cause(ofLostPeer: slot), at: now, into: &batch)
                return
            }
            // RFC 7675 §5.1: without consent nothing may be sent, also while a restart may still bring it back.
            if peer.pointee.ice.isExpired(at: now) {
                peer.pointee.address = nil
                return
            }
        }
        if peer.pointee.sender == nil {
            // Half-open sessions cost memory; they get less time than silent ones.
            if peer.pointee.handshakeStarted, now.since(peer.pointee.createdAt) > configuration.handshakeTimeout {
                endPeer(slot, cause(ofUnfinishedHandshake: slot), at: now, into: &batch)
            }
            return
        }
        peer.pointee.retransmissionCredit = min(
            peer.pointee.retransmissionCredit + Peer.retransmissionsPerSecond,
            Peer.retransmissionBurst
        )
        switch peer.pointee.role {
        case .publisher: sendReceiverReport(to: slot, at: now, into: &batch)
        case .viewer:
            for subscription in peer.pointee.subscriptions {
                sendReport(track: subscription.track, position: subscription.position, at: now, into: &batch)
            }
        }
    }

    private mutating func sendReceiverReport(to slot: Int, at now: Instant, into batch: inout SendBatch) {
        var blocks: [ReportBlock] = []
        for index in peers[slot].pointee.sources.indices
        where peers[slot].pointee.sources[index].statistics.highestSequence != nil {
            let ssrc = peers[slot].pointee.sources[index].ssrc
            blocks.append(peers[slot].pointee.sources[index].statistics.report(ssrc: ssrc, at: now))
        }
        let report = RTCPPacket.receiverReport(
            ReceiverReport(ssrc: peers[slot].pointee.reportSSRC, reportBlocks: blocks))
        sendRTCP([report] + (uplinkLimit(for: slot, at: now).map { [$0] } ?? []), to: slot, into: &batch)
    }

    /// What a publisher that understands only REMB may send; `nil` for others, and before anything came.
    private func uplinkLimit(for slot: Int, at now: Instant) -> RTCPPacket? {
        let peer = peers[slot]
        guard peer.pointee.uplinkLimit != nil else { return nil }
        var received = 0.0
        var expected: Int64 = 0
        var lost: Int64 = 0
        var ssrcs: [UInt32] = []
        for source in peer.pointee.sources where !source.isRetransmission && tracks.contains(source.track) {
            received += tracks[source.track].pointee.bitrate.estimate(at: now)
            expected += source.statistics.totals.packetsReceived + source.statistics.totals.packetsLost
            lost += source.statistics.totals.packetsLost
            ssrcs.append(source.ssrc)
        }
        guard !ssrcs.isEmpty else { return nil }
        peer.pointee.uplinkLimit?.update(
            received: Bitrate(bitsPerSecond: received), expected: expected, lost: lost)
        let bitrate = peer.pointee.uplinkLimit?.bitrate.bitsPerSecond ?? 0
        return .receiverEstimatedMaximumBitrate(
            ReceiverEstimatedMaximumBitrate(
                senderSSRC: peer.pointee.reportSSRC, bitrate: UInt64(bitrate), ssrcs: ssrcs))
    }

    private mutating func sendTransportFeedback(to slot: Int, at now: Instant, into batch: inout SendBatch) {
        while let feedback = peers[slot].pointee.feedback.advance(to: now) {
            sendRTCP([.transportFeedback(feedback)], to: slot, into: &batch)
        }
    }

    // MARK: Figures

    func report(at now: Instant, sent: (datagrams: Int, bytes: Int, dropped: Int)) -> MediaReport {
        var report = MediaReport()
        report.counters = counters
        report.counters.packetsSent = sent.datagrams
        report.counters.bytesSent = sent.bytes
        report.counters.datagramsDropped += sent.dropped
        var lost: [Int: Int] = [:]
        var jitter: [Int: Double] = [:]
        for slot in 0..<peers.capacity where peers.contains(slot) {
            let peer = peers[slot]
            switch peer.pointee.role {
            case .viewer: report.viewers += 1
            case .publisher:
                report.publishers += 1
                for source in peer.pointee.sources {
                    let missing = Int(source.statistics.totals.packetsLost)
                    report.counters.packetsLostInbound += missing
                    lost[source.track, default: 0] += missing
                    guard !source.isRetransmission else { continue }
                    jitter[source.track] = max(jitter[source.track] ?? 0, source.statistics.jitter.seconds)
                }
            }
        }
        for slot in 0..<tracks.capacity where tracks.contains(slot) {
            let track = tracks[slot]
            let silence = track.pointee.lastArrivalAt.map { now.since($0) }
            let isFresh = silence.map { $0 < .seconds(3) } ?? false
            report.tracks.append(
                MediaReport.Track(
                    id: track.pointee.id,
                    isOwner: track.pointee.owner == configuration.worker,
                    bitsPerSecond: isFresh ? track.pointee.bitrate.estimate(at: now) : 0,
                    packetsReceived: track.pointee.packetsReceived,
                    packetsLost: lost[slot] ?? 0,
                    viewers: track.pointee.forwarderCount,
                    pausedViewers: (0..<track.pointee.forwarderCount)
                        .count { track.pointee.forwarders[$0].phase == .paused },
                    keyFrameInterval: track.pointee.keyFrameInterval?.seconds,
                    keyFrameAge: track.pointee.lastKeyFrameAt.map { now.since($0).seconds },
                    bufferedBytes: track.pointee.log.allocatedBytes,
                    silence: silence?.seconds,
                    hasPublisherClock: [.senderReport, .exact].contains(track.pointee.clock.basis),
                    clockJumps: track.pointee.input.clockJumps,
                    bytesReceived: track.pointee.bytesReceived,
                    framesReceived: track.pointee.framesReceived,
                    stillFrames: track.pointee.stillFrames,
                    jitter: jitter[slot],
                    lateness: lateness(ofTrack: slot),
                    stepBitrates: stepBitrates(of: slot, isFresh: isFresh, at: now),
                    stepViewers: stepViewers(of: slot)
                )
            )
        }
        return report
    }

    private func lateness(ofTrack slot: Int) -> Double? {
        let track = tracks[slot]
        guard track.pointee.clock.basis == .senderReport, let newest = track.pointee.log.highestTimestamp,
            let arrival = track.pointee.lastArrivalAt,
            let taken = track.pointee.clock.ntp(forTimestamp: UInt32(truncatingIfNeeded: newest))
        else { return nil }
        return ntp(at: arrival).since(taken).seconds
    }

    private func stepBitrates(of slot: Int, isFresh: Bool, at now: Instant) -> [Double] {
        let rates = tracks[slot].pointee.layerRates
        guard rates.isLayered else { return [] }
        let bitrate = isFresh ? tracks[slot].pointee.bitrate.estimate(at: now) : 0
        return rates.steps().map { rates.isActive($0) ? bitrate * rates.share(within: $0) : 0 }
    }

    private func stepViewers(of slot: Int) -> [LayerLimit: Int] {
        let track = tracks[slot]
        var counts: [LayerLimit: Int] = [:]
        guard track.pointee.layerRates.isLayered else { return counts }
        for position in 0..<track.pointee.forwarderCount {
            let forwarder = track.pointee.forwarders + position
            let limit = track.pointee.layerRates.normalized(forwarder.pointee.limit)
            if forwarder.pointee.phase != .paused { counts[limit, default: 0] += 1 }
        }
        return counts
    }
}
