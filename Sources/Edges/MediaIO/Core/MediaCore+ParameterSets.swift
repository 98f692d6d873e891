import Media
import Primitives
import SFU

/// What publishers really send, as their parameter sets say it: offers are written before the encoder starts.
extension MediaCore {
    /// Tells the control plane when the parameter set at the head of a key frame is another than before.
    ///
    /// At most once a second for each track, so that a publisher that changes with every packet costs nothing.
    mutating func noteParameterSet(in payload: UnsafeRawBufferPointer, track slot: Int, at now: Instant) {
        let track = tracks[slot]
        if track.pointee.codec == .vp8 || track.pointee.codec == .vp9 {
            notePictureSize(in: payload, track: slot, at: now)
        }
        guard track.pointee.codec == .h264, track.pointee.publisher != nil,
            let range = H264SequenceParameterSet.range(
                inRTPPayload: Span(_unsafeElements: payload.bindMemory(to: UInt8.self)))
        else { return }
        let unit = UnsafeRawBufferPointer(rebasing: payload[range])
        guard !track.pointee.parameterSet.elementsEqual(unit) else { return }
        if let last = track.pointee.parameterSetAt, now.since(last) < .seconds(1) { return }
        track.pointee.parameterSet = Array(unit)
        track.pointee.parameterSetAt = now
        events.append(.parameterSetChanged(track.pointee.id, track.pointee.parameterSet))
    }

    /// The same for the size that codecs without parameter sets state in each key frame.
    private mutating func notePictureSize(in payload: UnsafeRawBufferPointer, track slot: Int, at now: Instant) {
        let track = tracks[slot]
        let bytes = Span(_unsafeElements: payload.bindMemory(to: UInt8.self))
        guard track.pointee.publisher != nil,
            let size = PictureSize(ofKeyFrame: bytes, codec: track.pointee.codec), size != track.pointee.pictureSize
        else { return }
        if let last = track.pointee.parameterSetAt, now.since(last) < .seconds(1) { return }
        track.pointee.pictureSize = size
        track.pointee.parameterSetAt = now
        events.append(.pictureSizeChanged(track.pointee.id, size))
    }
    /// Tells the control plane of the layers inside a stream, when another one has been seen: seldom, for they are bounded.
    func layersToAnnounce(ofTrack slot: Int) -> MediaEvent? {
        let track = tracks[slot]
        guard track.pointee.layerRates.revision != track.pointee.announcedLayers else { return nil }
        let rates = track.pointee.layerRates
        track.pointee.announcedLayers = rates.revision
        return .layersChanged(
            track.pointee.id,
            StreamLayers(
                steps: rates.isLayered ? rates.steps() : [],
                spatialCount: rates.spatialCount,
                temporalCount: rates.temporalCount,
                sizes: track.pointee.layers.sizes))
    }
}
