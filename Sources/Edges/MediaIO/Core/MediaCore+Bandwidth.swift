import CongestionControl
import Media
import Primitives
import RTP
import SFU

/// What viewers' paths carry, and what follows from it.
extension MediaCore {
    /// Lets a viewer's estimator know the time, and acts on what it says; ten times a second.
    mutating func adaptViewer(_ slot: Int, at now: Instant, into batch: inout SendBatch) {
        guard peers[slot].pointee.sender != nil else { return }
        peers[slot].pointee.bandwidth?.advance(to: now)
        applyEstimate(to: slot, at: now)
        chooseLayers(for: slot, at: now, into: &batch)
        startProbing(slot, at: now)
    }

    /// Hands the estimate to the pacer.
    func applyEstimate(to slot: Int, at now: Instant) {
        let peer = peers[slot]
        peer.pointee.pacer.refill(estimate: peer.pointee.bandwidth.estimate, at: now)
    }
}
