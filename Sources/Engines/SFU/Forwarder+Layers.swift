/// Viewers that are not sent everything: which packets they get, and what those are called.
extension Forwarder {
    /// What becomes of a packet that has a number at this viewer.
    package struct Passage: Equatable, Sendable {
        package var numbers: Numbers
        package var marker: Bool
        package var pictures: VP8PictureShift
        /// What else the viewer is sent at this place.
        package var limit: LayerLimit
        /// Whether nothing but the number is sent: the packet came late, belongs to a frame that was left out, and the
        /// viewer would ask for its number in vain.
        package var isEmpty: Bool
    }

    /// Whether all packets are sent, under numbers that differ from the track's by a constant.
    @inline(__always)
    package var sendsEverything: Bool { map.isWhole && wantedLimit == .none }

    /// What is being sent; ``wantedLimit`` once the stream allows to go over to it.
    package var limit: LayerLimit { map.newest.limit }

    /// Decides about the next packet in order of arrival.
    ///
    /// - Returns: `nil` for a packet that is left out. What is sent must be counted by ``didSend(_:)``.
    /// - Complexity: O(1) for packets in order; late ones look for their number among up to ``SequenceMap/capacity``.
    package mutating func admit(_ record: PacketRecord) -> Passage? {
        guard record.sequence > highestSequence else { return passage(of: record) }
        let isNewPicture = record.timestamp != pictureTimestamp
        if isNewPicture { isLeavingOut = false }
        pictureTimestamp = record.timestamp
        let limit = limit(at: record, isNewPicture: isNewPicture)
        if limit != map.newest.limit { map.change(to: limit, at: record.sequence) }
        guard limit.admits(record.layer) else {
            leaveOut(record)
            return nil
        }
        isLeavingOut = false
        return passage(of: record)
    }

    /// What was, or would be, sent of a packet; `nil` for one without a number here.
    package func passage(of record: PacketRecord) -> Passage? {
        guard let piece = map.piece(of: record.sequence) else { return nil }
        let layer = record.layer
        let isAdmitted = piece.limit.admits(layer)
        return Passage(
            numbers: Numbers(
                index: UInt64(bitPattern: record.sequence &+ piece.offset),
                timestamp: UInt32(truncatingIfNeeded: timestamps.map(record.timestamp))
            ),
            // The marker ends the picture (RFC 9628 §4.1): the last packet of the highest layer that the viewer gets.
            marker: isAdmitted && (record.marker || layer.endsLayer && layer.spatial == piece.limit.spatial),
            pictures: piece.pictures,
            limit: piece.limit,
            isEmpty: !isAdmitted
        )
    }

    /// Notes which picture was sent last, where ``admit(_:)`` is not asked.
    @inline(__always)
    package mutating func notePicture(of record: PacketRecord) {
        pictureTimestamp = record.timestamp
    }

    /// The limit from a packet on: down with each new picture, up only where the codec says that one may.
    private func limit(at record: PacketRecord, isNewPicture: Bool) -> LayerLimit {
        if record.startsKeyFrame { return wantedLimit }
        var limit = map.newest.limit
        let layer = record.layer
        if isNewPicture {
            limit.spatial = min(limit.spatial, wantedLimit.spatial)
            limit.temporal = min(limit.temporal, wantedLimit.temporal)
            if layer.beginsTemporal, layer.temporal == limit.temporal + 1, layer.temporal <= wantedLimit.temporal {
                limit.temporal = layer.temporal
            }
        }
        if layer.beginsSpatial, layer.spatial == limit.spatial + 1, layer.spatial <= wantedLimit.spatial {
            limit.spatial = layer.spatial
        }
        return limit
    }

    private mutating func leaveOut(_ record: PacketRecord) {
        // Between two packets of one picture that are left out nothing can be missing that is not left out too.
        let first = isLeavingOut ? highestSequence + 1 : record.sequence
        map.leaveOut(first...record.sequence)
        if record.layer.countsPictures, !isLeavingOut { map.leaveOutPicture() }
        isLeavingOut = true
        highestSequence = record.sequence
    }
}
