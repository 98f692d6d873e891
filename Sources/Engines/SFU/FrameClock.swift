package import Primitives

/// Puts the frames of one track on the gateway's clock, the same for all tracks of a publisher.
///
/// What a sender report says of a track's clock may differ from what arrival suggested before it came. Recordings and
/// segments cannot take a time back that they have written, so the difference is made up for little by little: by at
/// most ``slewPerSecond`` of each second that passes. Only what is far behind is moved at once, and only forward.
package struct FrameClock: Sendable {
    /// Nanoseconds of correction for each second of media: 2%, which makes up for 100 ms in five seconds.
    static let slewPerSecond: Int64 = 20_000_000
    /// A clock that is this far behind the truth is set, not slewed.
    static let step = Interval.seconds(1)

    private let clockRate: Int
    private var timestamps = TimestampUnwrapper()
    /// Unix nanoseconds of the extended timestamp 0; `nil` before the first frame.
    private var origin: Int64?
    private var newest = Int64.min

    /// - Parameter clockRate: The RTP clock in Hz.
    package init(clockRate: Int) {
        self.clockRate = clockRate
    }

    /// The time of a frame, in Unix nanoseconds by the gateway's clock.
    ///
    /// - Parameters:
    ///   - timestamp: The frame's RTP timestamp.
    ///   - reference: A timestamp of the track, within half the timestamps' range of the frame's.
    ///   - time: When that was captured, as far as is known by now.
    /// - Returns: A time that keeps the frames' distances but for the correction.
    package mutating func time(of timestamp: UInt32, reference: UInt32, at time: NTPTime) -> Int64 {
        let extended = timestamps.unwrap(timestamp)
        let ahead = Int64(Int32(bitPattern: reference &- timestamp))
        let target = time.unixNanoseconds &- nanoseconds(extended &+ ahead)
        var origin = origin ?? target
        if target &- origin > Self.step.nanoseconds {
            origin = target
        } else if newest != .min, extended > newest {
            let budget = min(nanoseconds(extended &- newest), 1_000_000_000) * Self.slewPerSecond / 1_000_000_000
            origin &+= min(max(target &- origin, -budget), budget)
        }
        self.origin = origin
        newest = max(newest, extended)
        return origin &+ nanoseconds(extended)
    }

    private func nanoseconds(_ ticks: Int64) -> Int64 {
        Interval(ticks: ticks, atRate: clockRate).nanoseconds
    }
}
