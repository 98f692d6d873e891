package import Primitives

/// How many bytes may leave to one viewer, and when the viewer is too late for them
/// (draft-ietf-rmcat-gcc-02 §4).
///
/// The queue is the track's packet log, which all viewers share: the pacer holds no packet. What it bounds is how far
/// behind a viewer may fall. Audio is never held back, only counted.
package struct Pacer: Sendable {
    /// How often the budget is refilled.
    package static let interval = Interval.milliseconds(5)
    /// Packets leave in groups of at least this many where there are as many: a group is one datagram run.
    package static let groupSize = 4
    /// Media may leave at this multiple of the estimate, so that a picture does not take a whole frame time.
    package static let factor = 2.5
    /// However low the estimate: what a picture of the lowest layer needs to leave in time.
    package static let minimumBitrate = Bitrate.megabits(5)
    /// A viewer that is further behind than this goes on at the next key frame.
    package static let maximumDelay = Interval.seconds(1)
    /// What is not used is kept for this long: a tick that a busy worker missed is made up for.
    private static let maximumCatchUp = Interval.milliseconds(10)

    private static let groupBytes = groupSize * 1_200

    /// Bytes; negative after a group that was larger.
    private var credit = groupBytes
    private var lastRefill: Instant?
    private var lastEstimate: Bitrate?

    package init() {}

    /// Whether the viewer is paced at all.
    package var isPaced: Bool { lastEstimate != nil }

    /// The rate at which media leaves; `nil` for at once.
    package var bitrate: Bitrate? { lastEstimate.map(Self.bitrate(estimate:)) }

    private static func bitrate(estimate: Bitrate) -> Bitrate { max(estimate * factor, minimumBitrate) }

    /// Refills the budget for the time since the last call; every ``interval`` while anything waits, else before sending.
    ///
    /// - Parameters:
    ///   - estimate: ``BandwidthEstimator/estimate``; `nil` for a viewer that is not paced.
    ///   - now: The time.
    package mutating func refill(estimate: Bitrate?, at now: Instant) {
        defer { lastRefill = now }
        lastEstimate = estimate
        guard let estimate else { return credit = Self.groupBytes }
        let elapsed = min(lastRefill.map { now - $0 } ?? Self.interval, Self.maximumCatchUp)
        let rate = Self.bitrate(estimate: estimate)
        // At a low rate, enough is kept that waiting for a whole group wastes nothing.
        let most = max(Self.groupBytes + rate.bytes(in: Self.interval), rate.bytes(in: Self.maximumCatchUp))
        credit = min(credit + rate.bytes(in: elapsed), most)
    }

    /// Bytes of video that may leave now.
    ///
    /// - Parameter waiting: Bytes that wait for this viewer, or any larger number where that is not known.
    /// - Returns: 0 until there is room for a group, or for all that waits. The last packet may exceed it.
    package func allowance(waiting: Int = .max) -> Int {
        guard isPaced else { return .max }
        return credit >= min(Self.groupBytes, waiting) ? max(credit, 0) : 0
    }

    /// Counts what left, audio and padding too.
    ///
    /// Retransmissions and audio do not ask, and so may leave a debt.
    @inline(__always)
    package mutating func didSend(_ bytes: Int) {
        // A debt of more than the delay limit would outlast the packets it is for.
        credit = max(credit - bytes, -(1 << 20))
    }

    /// Whether a viewer is so late that it should give up what waits.
    ///
    /// - Parameters:
    ///   - age: How long ago the next packet for it arrived at the gateway.
    ///   - waiting: Bytes that wait for it, as far as known.
    /// - Returns: `true` when it should go on at the next key frame.
    package func isTooLate(age: Interval, waiting: Int = 0) -> Bool {
        if age > Self.maximumDelay { return true }
        guard let bitrate else { return false }
        return waiting > bitrate.bytes(in: Self.maximumDelay)
    }
}
