package import Primitives

extension BandwidthEstimator {
    /// Why the estimate is not higher.
    package enum Limit: String, Sendable {
        /// The delay grows when we send more, or did.
        case delay
        case loss
        /// We send so little that nothing higher has been tried.
        case application
        /// The receiver asked for no more, or the configuration allows no more.
        case cap
    }

    /// The estimate and what it is made of, for figures that people read.
    package struct State: Equatable, Sendable {
        /// `nil` while the viewer is not limited.
        package var estimate: Bitrate?
        /// `nil` without an estimate.
        package var limitedBy: Limit?
        /// The delay-based part; `nil` without transport-wide feedback.
        package var delayBased: Bitrate?
        /// The loss-based part; `nil` while losses limit nothing.
        package var lossBased: Bitrate?
        /// The receiver's part; `nil` without REMB.
        package var cap: Bitrate?
        /// What we send, over the last half second.
        package var sent: Bitrate?
        /// What arrives, over the last half second; `nil` without transport-wide feedback.
        package var received: Bitrate?
        /// How the queueing delay changes, in ms as the detector weighs it; positive while a queue grows.
        package var delayTrend: Double
        /// The part of packets lost lately, 0 to 1.
        package var loss: Double
        /// `nil` before anything told it.
        package var roundTrip: Interval?
    }

    /// How things stand.
    package var state: State {
        let hasFeedback = lastFeedbackAt != nil
        return State(
            estimate: estimate,
            limitedBy: estimate == nil ? nil : limit,
            delayBased: hasFeedback ? rate.bitrate : nil,
            lossBased: loss.limit,
            cap: cap,
            sent: sending.bitrate,
            received: hasFeedback ? arriving.bitrate : nil,
            delayTrend: detector.trend,
            loss: loss.lossFraction,
            roundTrip: roundTrip
        )
    }

    private var limit: Limit {
        if let limit = loss.limit, limit <= working { return .loss }
        if let cap, cap <= working { return .cap }
        if working >= configuration.maximum { return .cap }
        return isIdle ? .application : .delay
    }
}
