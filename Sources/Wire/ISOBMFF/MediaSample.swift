/// One frame as a fragment holds it.
package struct MediaSample: Hashable, Sendable {
    /// Ticks of the track's clock up to the next sample.
    package var duration: UInt32
    /// Ticks from decoding to showing; negative only where a publisher says so.
    package var compositionOffset: Int32
    /// Whether decoding can begin here; always for audio.
    package var isKeyFrame: Bool
    package var payload: [UInt8]

    package init(duration: UInt32, compositionOffset: Int32 = 0, isKeyFrame: Bool, payload: [UInt8]) {
        self.duration = duration
        self.compositionOffset = compositionOffset
        self.isKeyFrame = isKeyFrame
        self.payload = payload
    }

    /// sample_flags (ISO/IEC 14496-12 §8.8.3.1): depends on no other sample, or is no sync sample and depends on others.
    var flags: UInt32 { isKeyFrame ? 0x0200_0000 : 0x0101_0000 }
}

/// Samples of one track that follow each other without a gap.
package struct TrackFragment: Hashable, Sendable {
    /// Of the ``MovieTrack``.
    package var trackIdentifier: UInt32
    /// Ticks at which the first sample is decoded.
    package var decodeTime: UInt64
    package var samples: [MediaSample]

    package init(trackIdentifier: UInt32, decodeTime: UInt64, samples: [MediaSample] = []) {
        self.trackIdentifier = trackIdentifier
        self.decodeTime = decodeTime
        self.samples = samples
    }

    /// Ticks of all samples.
    package var duration: UInt64 { samples.reduce(0) { $0 &+ UInt64($1.duration) } }
}
