package import Primitives

/// Decides which packets of one inbound stream to ask for again, and when (RFC 4585 §6.2.1).
///
/// A gap waits a little for reordering, is then asked for once a round trip, and is given up after a number of tries or
/// when it is too old to be of use. Table, age, tries and the numbers in one request are all bounded, so a broken path
/// or sender cannot make us send a storm.
package struct NACKGenerator: Sendable {
    package struct Limits: Sendable {
        /// A gap is asked for once this many later packets have come, or after ``reorderDelay``.
        package var reorderPackets: Int64 = 3
        /// A gap is asked for after this time, or after ``reorderPackets``.
        package var reorderDelay = Interval.milliseconds(10)
        /// Requests for one packet.
        package var attempts = 10
        /// Packets missing at one time; a longer gap is not worth repairing.
        package var tableSize = 512
        /// What is still missing after this time would come too late to be shown.
        package var age = Interval.seconds(1)
        /// Sequence numbers in one request: about as many as always fit one packet.
        package var numbersPerRequest = 256
        /// The least time between two requests for one packet, however short the round trip.
        package var minimumRetryInterval = Interval.milliseconds(20)
        /// The time between two requests while the round trip is unknown.
        package var initialRetryInterval = Interval.milliseconds(100)
        /// The most time between two requests for one packet.
        package var maximumRetryInterval = Interval.milliseconds(500)

        package init() {}
    }

    /// Counts of packets since the beginning.
    package struct Statistics: Equatable, Sendable {
        /// Sequence numbers asked for, repetitions included.
        package var requested: Int64 = 0
        /// Packets that came after they had been asked for.
        package var repaired: Int64 = 0
        /// Packets that came late by themselves.
        package var reordered: Int64 = 0
        /// Packets given up: when it grows, a video stream needs a key frame.
        package var abandoned: Int64 = 0

        package init(requested: Int64 = 0, repaired: Int64 = 0, reordered: Int64 = 0, abandoned: Int64 = 0) {
            self.requested = requested
            self.repaired = repaired
            self.reordered = reordered
            self.abandoned = abandoned
        }
    }

    private struct Missing {
        var sequence: Int64
        var detectedAt: Instant
        var nextRequestAt: Instant
        var firstRequestAt: Instant?
        var attempts = 0
    }

    private let limits: Limits
    /// The highest sequence number so far; `nil` before the first packet.
    package private(set) var newest: Int64?
    /// In ascending order of sequence number.
    private var missing: [Missing] = []

    package private(set) var statistics = Statistics()
    /// How long a packet takes to come after it was asked for, averaged; `nil` before the first repair.
    ///
    /// A gateway that sends its publisher no media learns the round trip in no other way.
    package private(set) var responseTime: Interval?

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Packets missing now.
    package var missingCount: Int { missing.count }

    /// When ``due(at:rtt:)`` next has something to do; `nil` when nothing is missing.
    package var deadline: Instant? {
        missing.lazy.map { min($0.nextRequestAt, $0.detectedAt + limits.age) }.min()
    }

    /// Records the arrival of a packet, original or retransmitted.
    ///
    /// - Parameters:
    ///   - sequence: The extended sequence number.
    ///   - now: When it arrived.
    /// - Complexity: O(1) while nothing is missing, else linear in what is missing.
    package mutating func receive(sequence: Int64, at now: Instant) {
        guard let newest else {
            self.newest = sequence
            return
        }
        guard sequence > newest else {
            fill(sequence, at: now)
            return
        }
        self.newest = sequence
        let gap = sequence - newest - 1
        if gap > limits.tableSize {
            // A new start rather than loss: asking for all of it would be the storm itself.
            abandon(missing.count)
            statistics.abandoned += gap
        } else if gap > 0 {
            abandon(missing.count + Int(gap) - limits.tableSize)
            for lost in (newest + 1)..<sequence {
                missing.append(
                    Missing(sequence: lost, detectedAt: now, nextRequestAt: now + limits.reorderDelay)
                )
            }
        }
        guard !missing.isEmpty else { return }
        for index in missing.indices where missing[index].attempts == 0 {
            if sequence - missing[index].sequence >= limits.reorderPackets {
                missing[index].nextRequestAt = min(missing[index].nextRequestAt, now)
            }
        }
    }

    /// Takes the numbers to ask for now, oldest first, and plans their repetition.
    ///
    /// - Parameters:
    ///   - now: The time. Before ``deadline`` the result is empty.
    ///   - rtt: The round trip to the sender; `nil` while unknown.
    /// - Returns: At most ``Limits/numbersPerRequest`` sequence numbers as they stand on the wire.
    package mutating func due(at now: Instant, rtt: Interval?) -> [UInt16] {
        guard !missing.isEmpty else { return [] }
        let tooOld = missing.count { now >= $0.detectedAt + limits.age }
        let spent = missing.count { $0.attempts >= limits.attempts && now >= $0.nextRequestAt }
        if tooOld + spent > 0 {
            let before = missing.count
            missing.removeAll {
                now >= $0.detectedAt + limits.age || ($0.attempts >= limits.attempts && now >= $0.nextRequestAt)
            }
            statistics.abandoned += Int64(before - missing.count)
        }
        var numbers: [UInt16] = []
        let retry = retryInterval(rtt: rtt)
        for index in missing.indices where now >= missing[index].nextRequestAt {
            guard numbers.count < limits.numbersPerRequest else { break }
            numbers.append(UInt16(truncatingIfNeeded: missing[index].sequence))
            missing[index].attempts += 1
            if missing[index].firstRequestAt == nil { missing[index].firstRequestAt = now }
            missing[index].nextRequestAt = now + retry
        }
        statistics.requested += Int64(numbers.count)
        return numbers
    }

    /// Forgets what is missing before `sequence`: a key frame begins there, so nothing older is needed.
    package mutating func forget(before sequence: Int64) {
        let count = missing.firstIndex { $0.sequence >= sequence } ?? missing.count
        missing.removeFirst(count)
    }

    /// Begins again, for a sender that did.
    package mutating func reset() {
        newest = nil
        missing.removeAll(keepingCapacity: true)
    }

    /// A round trip and a bit, because an answer that is just on its way must not be asked for again.
    private func retryInterval(rtt: Interval?) -> Interval {
        guard let rtt else { return limits.initialRetryInterval }
        let interval = rtt + rtt / 4
        return min(max(interval, limits.minimumRetryInterval), limits.maximumRetryInterval)
    }

    private mutating func fill(_ sequence: Int64, at now: Instant) {
        guard let first = missing.first, let last = missing.last, sequence >= first.sequence,
            sequence <= last.sequence, let index = missing.firstIndex(where: { $0.sequence == sequence })
        else { return }
        if let firstRequestAt = missing[index].firstRequestAt {
            statistics.repaired += 1
            measure(now.since(firstRequestAt), attempts: missing[index].attempts)
        } else {
            statistics.reordered += 1
        }
        missing.remove(at: index)
    }

    /// Takes a repair into the average.
    ///
    /// Which of several requests was answered is unknown, so that such a repair counts only while there is no better
    /// figure: it is too long rather than too short, and the next request waits for the answer.
    private mutating func measure(_ time: Interval, attempts: Int) {
        guard let average = responseTime else {
            responseTime = time
            return
        }
        if attempts == 1 { responseTime = average + (time - average) / 8 }
    }

    /// Gives up the `count` oldest packets; none when `count` is not positive.
    private mutating func abandon(_ count: Int) {
        guard count > 0 else { return }
        missing.removeFirst(count)
        statistics.abandoned += Int64(count)
    }
}
