package import Primitives

/// A short run of packets at a chosen rate, whose arrivals show whether the path carries that rate.
///
/// What leaves in one tick is a burst. The first burst only starts the clocks, whatever its size; the bytes of all later
/// ones over the time they took, here and at the receiver, are the rates compared. A path that is slower spreads
/// them to its own rate, and that is the answer.
package struct Probe: Sendable {
    /// Packets that a result needs at least.
    package static let minimumPackets = 5
    /// How long a probe is sent at least.
    package static let minimumDuration = Interval.milliseconds(20)
    /// Part of the packets and bytes that must be reported as received: a path may lose many and still carry the rest.
    private static let completeness = 0.6
    /// A receiver that took packets in this much faster than we sent them is making things up, or got them in a lump.
    private static let maximumRatio = 2.0
    /// Below this part of the rate sent, the path was full; then a little less than what came through is sent.
    private static let saturation = 0.9
    private static let saturatedUse = 0.95
    private static let maximumDuration = Interval.seconds(1)
    /// Packets sent closer together than this are one burst.
    private static let burst = Interval.milliseconds(2)

    /// 1 to 255, what its packets carry in the ``SendHistory``.
    package let id: UInt8
    /// The rate to send at, with media and padding together.
    package let bitrate: Bitrate
    /// Bytes to send after the first burst.
    package let bytes: Int
    package let startedAt: Instant

    package private(set) var sentPackets = 0
    package private(set) var sentBytes = 0
    /// When all was sent; `nil` before.
    package private(set) var sentAt: Instant?

    /// When the first burst left, and its bytes.
    private var begunAt: Instant?
    private var firstBytes = 0

    private var received = 0
    private var receivedBytes = 0
    private var firstSent: Instant?
    private var lastSent = Instant.zero
    /// When the first burst had arrived, and what had arrived of it.
    private var firstArrival = Instant(nanoseconds: .min)
    private var firstReceivedBytes = 0
    private var lastArrival = Instant(nanoseconds: .min)

    /// A probe that sends for ``minimumDuration``, or `bytes` if that is more.
    package init(id: UInt8, bitrate: Bitrate, bytes: Int = 0, at now: Instant) {
        self.id = id
        self.bitrate = bitrate
        self.bytes = max(bytes, bitrate.bytes(in: Self.minimumDuration))
        startedAt = now
    }

    // MARK: Sending

    /// Bytes that should leave now to keep to the rate; what media does not fill is padding.
    package func due(at now: Instant) -> Int {
        guard sentAt == nil else { return 0 }
        guard let begunAt else { return max(bitrate.bytes(in: Pacer.interval), 1) }
        let rest = max(bytes + firstBytes - sentBytes, 1)
        return min(max(bitrate.bytes(in: now - begunAt) + firstBytes - sentBytes, 0), rest)
    }

    /// Counts a packet as part of it, while it is not complete.
    @inline(__always)
    package mutating func didSend(_ size: Int, at now: Instant) {
        guard sentAt == nil else { return }
        let begun = begunAt ?? now
        begunAt = begun
        sentPackets += 1
        sentBytes += size
        if now - begun < Self.burst { firstBytes += size }
        if sentBytes - firstBytes >= bytes, sentPackets >= Self.minimumPackets, now - begun >= Self.minimumDuration / 2
        {
            sentAt = now
        }
    }

    /// Ends the sending with what has been sent.
    package mutating func finishSending(at now: Instant) {
        sentAt = sentAt ?? now
    }

    // MARK: Result

    /// Takes one of its packets that has come.
    package mutating func receive(_ packet: SendHistory.Received, arrival: Instant) {
        received += 1
        receivedBytes += packet.size
        let first = firstSent ?? packet.sentAt
        firstSent = first
        if packet.sentAt - first < Self.burst {
            firstReceivedBytes += packet.size
            firstArrival = max(firstArrival, arrival)
        }
        lastSent = max(lastSent, packet.sentAt)
        lastArrival = max(lastArrival, arrival)
    }

    /// What the path carries; `nil` while too little has come, or when the times make no sense.
    package var result: Bitrate? {
        guard sentAt != nil, received >= Self.minimumPackets,
            Double(received) >= Self.completeness * Double(sentPackets),
            Double(receivedBytes) >= Self.completeness * Double(sentBytes)
        else { return nil }
        guard let firstSent else { return nil }
        let sending = lastSent - firstSent
        let receiving = lastArrival - firstArrival
        guard sending >= Self.minimumDuration / 2, receiving > .zero, sending <= Self.maximumDuration,
            receiving <= Self.maximumDuration
        else { return nil }
        let sendRate = Bitrate(bytes: receivedBytes - firstReceivedBytes, in: sending)
        let receiveRate = Bitrate(bytes: receivedBytes - firstReceivedBytes, in: receiving)
        guard receiveRate / sendRate <= Self.maximumRatio else { return nil }
        if receiveRate < sendRate * Self.saturation { return receiveRate * Self.saturatedUse }
        return min(sendRate, receiveRate)
    }
}
