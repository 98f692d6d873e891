import CongestionControl
package import Primitives
package import SFU

/// How one viewer fares at one moment.
package struct ViewerReport: Sendable {
    /// What a viewer is sent of one picture.
    package struct Picture: Equatable, Sendable {
        /// The layer that is shown, or was before the pause; without simulcast the only track.
        package var track: TrackID
        /// Whether the path cannot carry the picture at present.
        package var isPaused: Bool
        /// What of the track is shown, where it has layers inside; `nil` for all of it.
        package var limit: LayerLimit?
    }

    package var peer: PeerID
    /// Where its datagrams go; `nil` before a pair of addresses worked.
    package var address: TransportAddress?
    /// What the path carries; `nil` while nothing limits the viewer.
    package var estimate: Bitrate?
    /// Why the estimate is not higher, as ``BandwidthEstimator/Limit`` calls it; `nil` without an estimate.
    package var limitedBy: String?
    /// To the viewer and back; `nil` before its first report.
    package var roundTrip: Interval?
    /// The part of packets lost lately, 0 to 1.
    package var loss: Double
    package var pictures: [Picture]
}

/// A request for the figures of some viewers, answered once.
///
/// Apart from ``MediaReportRequest``, because it looks at each viewer closely and nobody needs that all the time.
package struct ViewerReportRequest: Sendable {
    let peers: [PeerID]
    let answer: @Sendable ([ViewerReport]) -> Void

    package init(peers: [PeerID], answer: @escaping @Sendable ([ViewerReport]) -> Void) {
        self.peers = peers
        self.answer = answer
    }
}

extension MediaCore {
    /// Those of `ids` that are viewers of this worker, in the same order.
    func reportViewers(_ ids: [PeerID]) -> [ViewerReport] {
        ids.compactMap { id in
            guard let slot = peersByID[id], let state = peers[slot].pointee.bandwidth?.state else { return nil }
            return ViewerReport(
                peer: id,
                address: peers[slot].pointee.address,
                estimate: state.estimate,
                limitedBy: state.limitedBy?.rawValue,
                roundTrip: state.roundTrip ?? peers[slot].pointee.roundTrip,
                loss: state.loss,
                pictures: peers[slot].pointee.subscriptions.filter { $0.selector != nil }.map {
                    ViewerReport.Picture(
                        track: tracks[$0.track].pointee.id,
                        isPaused: tracks[$0.track].pointee.forwarders[$0.position].phase == .paused,
                        limit: shownLimit(of: $0)
                    )
                }
            )
        }
    }
    private func shownLimit(of subscription: Peer.Subscription) -> LayerLimit? {
        let track = tracks[subscription.track]
        guard track.pointee.layerRates.isLayered else { return nil }
        return track.pointee.layerRates.normalized(track.pointee.forwarders[subscription.position].limit)
    }
}
