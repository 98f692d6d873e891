package import Primitives

/// Decides when to probe, and at which rate.
///
/// The first probe is the replay of a group of pictures, which is sent fast anyway; without a replay it is three times
/// the start rate. A probe that comes through is followed by one of twice its result. Later probes are sent only while
/// somebody could use more than the estimate (a higher layer, or the one that was given up), so an idle or
/// contented viewer costs nothing.
package struct ProbeController: Sendable {
    /// What is sent as a first probe without a replay, as a multiple of the start rate.
    private static let firstFactor = 3.0
    /// Each further probe, as a multiple of the estimate; and one beside media that use the estimate, which can grow
    /// without probes and may be sharing the path.
    private static let nextFactor = 2.0
    private static let busyFactor = 1.5
    /// A probe that reaches this part of its rate is followed by the next at once.
    private static let success = 0.7
    /// Time between probes.
    ///
    /// It doubles with each that finds nothing, or what it found was overuse.
    package static let interval = Interval.seconds(5)
    package static let maximumInterval = Interval.seconds(40)
    /// The same while the estimate cannot grow without probes, and while probes disturb little: then it does not double.
    package static let maximumIdleInterval = interval
    /// Overuse this soon after a probe was its doing.
    private static let aftermath = Interval.seconds(3)
    /// An estimate that fell to this part of what it was at the last probe is about another path.
    private static let collapse = 0.55
    /// Quiet that the path must have had since it was last overused.
    private static let calm = Interval.seconds(1)
    /// A probe that is not sent or not answered by then has failed.
    private static let patience = Interval.seconds(2)
    /// Packets of a replay that are the probe; the rest is ordinary.
    private static let replayBytes = 48 * 1_200
    /// More than any layer needs: what is to be used, and this much on top.
    private static let margin = 1.2

    /// The probe under way: being sent, or waiting for its result.
    package private(set) var probe: Probe?
    private var lastID: UInt8 = 0
    private var lastProbe: Instant?
    private var lastEstimate = Bitrate.zero
    /// Whether ``pause`` has been lengthened for the last probe.
    private var isSettled = true
    private var pause = ProbeController.interval
    private var hasFollowUp = false
    private var isFirst = true

    package init() {}

    /// The number that a packet sent now gets; 0 for none.
    package var currentID: UInt8 {
        guard let probe, probe.sentAt == nil else { return 0 }
        return probe.id
    }

    /// Makes the beginning of a replay, which is about to be sent at `bitrate`, the first probe.
    package mutating func beginReplay(at bitrate: Bitrate, now: Instant) {
        isFirst = false
        start(bitrate, bytes: Self.replayBytes, at: now)
    }

    /// The replay is over; what was sent of it must do.
    package mutating func endReplay(at now: Instant) {
        probe?.finishSending(at: now)
    }

    /// Begins a probe when it is time for one.
    ///
    /// - Parameters:
    ///   - estimate: What we know to be free.
    ///   - wanted: What somebody could use; `nil` for no more than the estimate.
    ///   - isIdle: Whether we send clearly less than the estimate.
    ///   - overusedAt: When the path was last found overused.
    ///   - now: The time.
    package mutating func advance(
        estimate: Bitrate,
        wanted: Bitrate?,
        isIdle: Bool,
        overusedAt: Instant?,
        at now: Instant
    ) {
        if let probe {
            guard now - probe.startedAt > Self.patience else { return }
            self.probe = nil
            hasFollowUp = false
            lengthenPause()
        }
        if let overusedAt, let lastProbe, overusedAt > lastProbe, overusedAt - lastProbe < Self.aftermath {
            lengthenPause()
        }
        if estimate < lastEstimate * Self.collapse {
            lastEstimate = estimate
            pause = Self.interval
        }
        guard let wanted, estimate < wanted else {
            hasFollowUp = false
            return
        }
        if let overusedAt, now - overusedAt < Self.calm { return }
        let pause = isIdle ? min(pause, Self.maximumIdleInterval) : pause
        if isFirst {
            isFirst = false
            start(min(estimate * Self.firstFactor, wanted * Self.margin), bytes: 0, at: now)
        } else if hasFollowUp || lastProbe.map({ now - $0 >= pause }) ?? true {
            let factor = hasFollowUp || isIdle ? Self.nextFactor : Self.busyFactor
            start(min(estimate * factor, wanted * Self.margin), bytes: 0, at: now)
        }
    }

    private mutating func lengthenPause() {
        guard !isSettled else { return }
        isSettled = true
        pause = min(pause * 2, Self.maximumInterval)
    }

    private mutating func start(_ bitrate: Bitrate, bytes: Int, at now: Instant) {
        lastID = lastID == .max ? 1 : lastID + 1
        lastProbe = now
        isSettled = false
        hasFollowUp = false
        probe = Probe(id: lastID, bitrate: bitrate, bytes: bytes, at: now)
    }

    /// Counts a packet sent under ``currentID``.
    @inline(__always)
    package mutating func didSend(_ size: Int, at now: Instant) {
        probe?.didSend(size, at: now)
    }

    /// Takes a packet that has come, if it was part of the probe under way.
    package mutating func receive(_ packet: SendHistory.Received, arrival: Instant) {
        guard packet.probe != 0, packet.probe == probe?.id else { return }
        probe?.receive(packet, arrival: arrival)
    }

    /// Takes the result of the probe under way, once there is one; call it after each feedback.
    ///
    /// `estimate` is what was known before.
    package mutating func takeResult(estimate: Bitrate) -> Bitrate? {
        guard let probe, let result = probe.result else { return nil }
        self.probe = nil
        hasFollowUp = result >= probe.bitrate * Self.success
        lastEstimate = max(estimate, result)
        if result < estimate * 1.1 { lengthenPause() }
        return result
    }
}
