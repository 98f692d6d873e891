import Primitives
import SFU

/// The way from the packet lane to the frame lane: copies of what is released, one for each burst of a track that is read.
extension MediaCore {
    /// Copies tracks for a reader from now on; first what has come of their source since its last key frame.
    mutating func startTap(_ tap: TapID, of ids: [TrackID], at now: Instant) {
        let slots = ids.compactMap { tracksByID[$0] }
        // Sound from the same time on, as far as it is kept.
        let begun = slots.compactMap { groupStart(ofTrack: $0) }.min { $0.arrival < $1.arrival }?.arrival
        var bursts: [RelayedPackets] = []
        for slot in slots {
            let track = tracks[slot]
            track.pointee.tap = tap
            var start = track.pointee.releasedEnd
            if let group = groupStart(ofTrack: slot) {
                start = group.index
            } else if !track.pointee.isVideo, let begun {
                start = max(track.pointee.sourceStart, track.pointee.log.firstIndex)
                while start < track.pointee.releasedEnd, track.pointee.log.record(at: start).arrival < begun {
                    start += 1
                }
            }
            guard start < track.pointee.releasedEnd else { continue }
            bursts.append(relayedPackets(of: slot, from: start, at: now))
        }
        if !bursts.isEmpty { tapped.append(TappedPackets(tap: tap, bursts: bursts)) }
    }

    func stopTap(_ tap: TapID, of ids: [TrackID]) {
        for slot in ids.compactMap({ tracksByID[$0] }) where tracks[slot].pointee.tap == tap {
            tracks[slot].pointee.tap = nil
        }
    }

    /// Where the last key frame begins, if the current source sent it.
    private func groupStart(ofTrack slot: Int) -> (index: Int, arrival: Instant)? {
        let track = tracks[slot]
        guard let group = track.pointee.log.groupOfPictures,
            group.startIndex >= max(track.pointee.sourceStart, track.pointee.log.firstIndex)
        else { return nil }
        return (group.startIndex, group.startedAt)
    }
}
