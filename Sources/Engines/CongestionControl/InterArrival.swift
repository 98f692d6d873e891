package import Primitives

/// Compares how far apart groups of packets were sent with how far apart they came
/// (draft-ietf-rmcat-gcc-02 §5.1 and §5.2).
///
/// Packets that left within 5 ms of each other are one group, for what happens between them says more about bursts on
/// the way than about a queue. A gateway that sends pictures as bursts has one group a picture.
package struct InterArrival: Sendable {
    /// How far apart a group and the one before it were.
    package struct Delta: Equatable, Sendable {
        package var sent: Interval
        package var arrived: Interval
        /// When the later group was complete, on the receiver's clock.
        package var arrival: Instant

        package init(sent: Interval, arrived: Interval, arrival: Instant) {
            self.sent = sent
            self.arrived = arrived
            self.arrival = arrival
        }

        /// By how much the way took longer than before: d(i) in §5.1.
        package var variation: Interval { arrived - sent }
    }

    /// The draft's burst_time.
    package static let burstTime = Interval.milliseconds(5)
    /// A burst that a path holds back and releases at once is one group for as long as this.
    private static let maximumBurst = Interval.milliseconds(100)
    /// Arrivals further apart than this are a path that stood still, or a receiver that makes things up.
    private static let maximumGap = Interval.seconds(3)

    private struct Group {
        var firstSent: Instant
        var lastSent: Instant
        var firstArrival: Instant
        var lastArrival: Instant
    }

    private var previous: Group?
    private var current: Group?

    package init() {}

    /// Forgets the groups, because their times no longer compare.
    package mutating func reset() {
        previous = nil
        current = nil
    }

    /// Takes a packet that has come, in the order of sending.
    ///
    /// - Returns: The distance between the two groups before this packet's, when it begins a new one.
    package mutating func add(sentAt: Instant, arrival: Instant) -> Delta? {
        let packet = Group(firstSent: sentAt, lastSent: sentAt, firstArrival: arrival, lastArrival: arrival)
        guard var group = current else {
            current = packet
            return nil
        }
        // Sent before the group began: feedback that came out of order.
        guard sentAt >= group.firstSent else { return nil }
        guard belongs(sentAt: sentAt, arrival: arrival, to: group) else {
            defer { current = packet }
            guard let earlier = previous else {
                previous = group
                return nil
            }
            let delta = Delta(
                sent: group.lastSent - earlier.lastSent,
                arrived: group.lastArrival - earlier.lastArrival,
                arrival: group.lastArrival
            )
            previous = group
            // Groups that overtook each other, or a clock that was set, say nothing about a queue.
            return delta.arrived >= .zero && delta.arrived < Self.maximumGap ? delta : nil
        }
        group.lastSent = max(group.lastSent, sentAt)
        group.lastArrival = max(group.lastArrival, arrival)
        current = group
        return nil
    }

    private func belongs(sentAt: Instant, arrival: Instant, to group: Group) -> Bool {
        if sentAt - group.firstSent <= Self.burstTime { return true }
        // "A packet which has an inter-arrival time less than burst_time and an inter-group delay variation d(i) less
        // than 0 is considered being part of the current group" (§5.2).
        let arrived = arrival - group.lastArrival
        return arrived - (sentAt - group.lastSent) < .zero && arrived <= Self.burstTime
            && arrival - group.firstArrival < Self.maximumBurst
    }
}
