package import Primitives

/// A rate over the last half second: of what we send by our clock, or of what arrives by the receiver's, which is R_hat
/// in draft-ietf-rmcat-gcc-02 §5.5.
package struct RateWindow: Sendable {
    /// The draft's T, of which it recommends 0.5 to 1 s: the shorter, for a falling capacity shows earlier.
    package static let window = Interval.milliseconds(500)
    private static let slot = Interval.milliseconds(50)
    private static let slots = 10

    private var bytes = InlineArray<10, Int>(repeating: 0)
    private var total = 0
    /// Number of the newest slot on the receiver's clock; `nil` before the first packet.
    private var newest: Int64?
    private var first: Instant?
    private var last = Instant.zero

    package init() {}

    /// Begins again, because the clock is another one.
    package mutating func reset() { self = RateWindow() }

    /// Counts a packet of `size` bytes; one from before the window is passed over.
    ///
    /// O(1); never allocates.
    package mutating func add(_ size: Int, at time: Instant) {
        let number = time.nanoseconds / Self.slot.nanoseconds
        guard let current = newest else {
            newest = number
            first = time
            last = time
            count(size, at: number)
            return
        }
        if number > current {
            for passed in (current + 1)...min(number, current + Int64(Self.slots)) {
                let index = Self.index(passed)
                total -= bytes[index]
                bytes[index] = 0
            }
            // A pause longer than the window: what comes now is not spread over it.
            if number - current > Int64(Self.slots) { first = time }
            newest = number
        }
        guard number > current - Int64(Self.slots) else { return }
        last = max(last, time)
        count(size, at: number)
    }

    private static func index(_ number: Int64) -> Int { Int(((number % 10) + 10) % 10) }

    private mutating func count(_ size: Int, at number: Int64) {
        bytes[Self.index(number)] += size
        total += size
    }

    /// The rate; `nil` until half a window has been seen, for a rate of three packets is none.
    package var bitrate: Bitrate? {
        guard let first else { return nil }
        let age = last - first
        guard age >= Self.window / 2 else { return nil }
        // The window is whole slots and the begun one: on average half a slot is missing from it.
        let covered = Self.window - Self.slot + Interval(nanoseconds: last.nanoseconds % Self.slot.nanoseconds)
        return Bitrate(bytes: total, in: min(age, covered))
    }
}
