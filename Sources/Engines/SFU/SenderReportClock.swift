package import Primitives
package import RTP

/// Maps a track's RTP timestamps to our NTP clock and back, for the sender reports that viewers get.
///
/// Until the publisher's first sender report, arrival times have to do. The first report is taken over at once, since
/// arrival says nothing about how long the publisher held each track back; every later correction is slewed by at most
/// 1 ms/s, for viewers judge lip sync by it. Frames that carry their own time (RTMP) set the mapping exactly.
package struct SenderReportClock: Sendable {
    /// What the mapping rests on.
    package enum Basis: Equatable, Sendable {
        /// Nothing has come: there is no mapping.
        case none
        case arrival
        case senderReport
        /// ``set(rtp:ntp:)``.
        case exact
    }

    /// A mapping that is off by more than this is a new timeline of the publisher, which nobody can slew to.
    package static let discontinuity = Interval.seconds(5)

    private let clockRate: Int
    package private(set) var basis = Basis.none
    /// The timestamp that others are extended from.
    private var newest: Int64 = 0
    /// Our NTP time, in nanoseconds since the Unix epoch, of the extended timestamp 0.
    private var origin = SlewedValue(0, at: NTPTime(rawValue: 0))
    private var arrivals = SlidingMinimum()
    private var ownOffset = ClockOffset()

    /// - Parameter clockRate: The RTP clock in Hz.
    package init(clockRate: Int) {
        self.clockRate = clockRate
    }

    /// Records the arrival of a packet, and moves corrections forward.
    ///
    /// - Parameters:
    ///   - timestamp: The packet's RTP timestamp.
    ///   - local: Our clock.
    package mutating func receive(timestamp: UInt32, at local: NTPTime) {
        let extended = basis == .none ? Int64(timestamp) : extend(timestamp)
        newest = extended
        switch basis {
        case .none, .arrival:
            let sample = local.unixNanoseconds &- nanoseconds(extended)
            let isNewTimeline = basis == .none || isDiscontinuity(sample)
            if isNewTimeline { arrivals = SlidingMinimum() }
            let least = arrivals.insert(sample, at: local)
            origin.advance(to: local)
            if isNewTimeline || least < origin.value {
                // A packet that was quicker than all before is better knowledge, and no report has been given yet.
                origin = SlewedValue(least, at: local)
            }
            origin.target = least
            basis = .arrival
        case .senderReport, .exact:
            origin.advance(to: local)
        }
    }

    /// Takes in a sender report of the publisher.
    ///
    /// Ignored when the mapping is exact, and when the report has no NTP time (all zero, RFC 3550 §6.4.1).
    ///
    /// - Parameters:
    ///   - report: The report of this track's SSRC.
    ///   - local: Our clock when it came.
    ///   - offset: The publisher's clock against ours, shared by all its tracks.
    package mutating func receive(_ report: SenderReport, at local: NTPTime, offset: inout ClockOffset) {
        guard basis != .exact, report.ntpTime.rawValue != 0,
            let clockOffset = offset.observe(remote: report.ntpTime, local: local)
        else { return }
        let extended = basis == .none ? Int64(report.rtpTimestamp) : extend(report.rtpTimestamp)
        if basis == .none { newest = extended }
        let target = report.ntpTime.unixNanoseconds &+ clockOffset.nanoseconds &- nanoseconds(extended)
        if basis != .senderReport || isDiscontinuity(target) {
            origin = SlewedValue(target, at: local)
        } else {
            origin.advance(to: local)
            origin.target = target
        }
        basis = .senderReport
    }

    /// Takes in a sender report of a publisher with only this track.
    package mutating func receive(_ report: SenderReport, at local: NTPTime) {
        var offset = ownOffset
        receive(report, at: local, offset: &offset)
        ownOffset = offset
    }

    /// Sets the mapping exactly; arrival and sender reports no longer count.
    package mutating func set(rtp timestamp: UInt32, ntp: NTPTime) {
        let extended = basis == .none ? Int64(timestamp) : extend(timestamp)
        newest = extended
        origin = SlewedValue(ntp.unixNanoseconds &- nanoseconds(extended), at: ntp)
        basis = .exact
    }

    /// Our NTP time of the media that carries `timestamp`; `nil` before the first packet.
    ///
    /// It must lie within half the timestamps' range (6.6 hours at 90 kHz) of the newest one seen.
    package func ntp(forTimestamp timestamp: UInt32) -> NTPTime? {
        guard basis != .none else { return nil }
        return NTPTime(unixNanoseconds: origin.value &+ nanoseconds(extend(timestamp)))
    }

    /// The RTP timestamp, rounded to the nearest, of media at `ntp` by our clock; `nil` before the first packet.
    package func timestamp(atNTP ntp: NTPTime) -> UInt32? {
        guard basis != .none else { return nil }
        let halfATick = 500_000_000 / Int64(clockRate)
        let elapsed = Interval(nanoseconds: ntp.unixNanoseconds &- origin.value &+ halfATick)
        return UInt32(truncatingIfNeeded: elapsed.ticks(atRate: clockRate))
    }

    private func extend(_ timestamp: UInt32) -> Int64 {
        newest &+ Int64(Int32(bitPattern: timestamp &- UInt32(truncatingIfNeeded: newest)))
    }

    private func nanoseconds(_ ticks: Int64) -> Int64 {
        Interval(ticks: ticks, atRate: clockRate).nanoseconds
    }

    private func isDiscontinuity(_ candidate: Int64) -> Bool {
        (candidate &- origin.value).magnitude > Self.discontinuity.nanoseconds.magnitude
    }
}
