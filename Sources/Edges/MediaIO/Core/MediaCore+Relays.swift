import Primitives
import RTP
import SFU

/// Copies of a track on other workers, fed burst by burst by the one where its publisher is.
extension MediaCore {
    mutating func startRelay(of id: TrackID, to worker: Int, at now: Instant) {
        guard let slot = tracksByID[id], worker != configuration.worker else { return }
        let track = tracks[slot]
        guard !track.pointee.relays.contains(worker) else { return }
        track.pointee.relays.append(worker)
        let start = track.pointee.log.groupOfPictures?.startIndex ?? track.pointee.releasedEnd
        let packets = relayedPackets(of: slot, from: max(start, track.pointee.log.firstIndex), at: now)
        messages.append(Message(worker: worker, command: .relayed(packets)))
    }

    func relayedPackets(of slot: Int, from start: Int, at now: Instant) -> RelayedPackets {
        let track = tracks[slot]
        var packets = RelayedPackets(
            track: track.pointee.id,
            clock: clockReference(of: slot, at: now),
            captureDelay: track.pointee.captureDelay,
            bitsPerSecond: track.pointee.bitrate.estimate(at: now),
            answersKeyFrameRequests: track.pointee.answersKeyFrameRequests,
            entries: [],
            payloads: [],
            descriptors: [],
            arrival: now
        )
        let end = max(start, track.pointee.releasedEnd)
        packets.entries.reserveCapacity(end - start)
        for index in start..<end {
            let record = track.pointee.log.record(at: index)
            packets.entries.append(
                .init(
                    sequence: record.sequence,
                    timestamp: record.timestamp,
                    length: record.length,
                    marker: record.marker,
                    startsKeyFrame: record.startsKeyFrame,
                    layer: record.layer
                )
            )
            packets.payloads.append(contentsOf: track.pointee.log.payload(at: index))
            if let descriptor = track.pointee.log.descriptor(at: index) {
                packets.descriptors.append(contentsOf: descriptor.storage)
            }
        }
        return packets
    }

    mutating func receive(_ packets: RelayedPackets, at now: Instant, into batch: inout SendBatch) {
        guard let slot = tracksByID[packets.track] else { return }
        let track = tracks[slot]
        packets.payloads.withUnsafeBytes { bytes in
            packets.descriptors.withUnsafeBytes { descriptors in
                var offset = 0
                var descriptorOffset = 0
                for entry in packets.entries {
                    let end = offset + Int(entry.length)
                    var descriptor = UnsafeRawBufferPointer(start: nil, count: 0)
                    if entry.layer.hasDescriptor, let start = descriptors.baseAddress {
                        descriptor = KeptDescriptor(at: start + descriptorOffset).storage
                        descriptorOffset += descriptor.count
                    }
                    track.pointee.log.append(
                        sequence: entry.sequence,
                        timestamp: entry.timestamp,
                        marker: entry.marker,
                        startsKeyFrame: entry.startsKeyFrame,
                        layer: entry.layer,
                        descriptor: descriptor,
                        payload: UnsafeRawBufferPointer(rebasing: bytes[offset..<end]),
                        at: packets.arrival
                    )
                    let size = Int(entry.length) + RTPHeader.fixedLength
                    track.pointee.bitrate.add(size, at: now)
                    track.pointee.layerRates.add(size, of: entry.layer, at: now)
                    offset = end
                }
            }
        }
        track.pointee.lastArrivalAt = now
        track.pointee.answersKeyFrameRequests = packets.answersKeyFrameRequests
        track.pointee.captureDelay = packets.captureDelay
        if let clock = packets.clock { track.pointee.clock.set(rtp: clock.timestamp, ntp: clock.ntpTime) }
        release(track: slot, at: now, into: &batch)
    }

    /// The track's clock as sender reports would tell it now; `nil` before the first packet.
    func clockReference(of slot: Int, at now: Instant) -> ClockReference? {
        let time = ntp(at: now)
        return tracks[slot].pointee.clock.timestamp(atNTP: time).map { ClockReference(timestamp: $0, ntpTime: time) }
    }
}
