import CFFmpeg
package import Media

/// Makes Opus packets of AAC frames, in the thread of the caller.
///
/// The packets carry the media time at which their sound is heard: what decoder, resampler and encoder hold back is
/// subtracted, so that lips stay in sync.
package struct AACToOpusConverter: ~Copyable {
    /// What has happened so far.
    package struct Statistics: Hashable, Sendable {
        /// Gaps in the timestamps after which the output time jumped.
        package var gaps: UInt64 = 0
        /// Frames that the decoder refused.
        package var undecodable: UInt64 = 0
        /// Frames left out because their time had been filled already.
        package var late: UInt64 = 0
    }

    package private(set) var statistics = Statistics()
    private var decoder: AACDecoder
    private var resampler = AudioResampler()
    private var encoder: OpusAudioEncoder
    private var timeline = AudioTimeline()
    /// Interleaved samples that do not fill a packet yet.
    private var pending: [Float] = []
    /// Whether a frame is missing since the last one that was heard.
    private var hasLostFrame = false

    /// - Parameters:
    ///   - audioSpecificConfig: As ISO/IEC 14496-3 §1.6.2.1 defines it.
    ///   - bitrate: Of the Opus packets, in bits per second.
    /// - Throws: ``TranscodingError`` when a codec is missing or refuses the configuration.
    package init(audioSpecificConfig: [UInt8], bitrate: Int = 96_000) throws(TranscodingError) {
        let decoder = try AACDecoder(audioSpecificConfig: audioSpecificConfig)
        let encoder = try OpusAudioEncoder(bitrate: bitrate)
        self.decoder = decoder
        self.encoder = encoder
    }

    /// Converts one frame; returns the packets that are complete with it, usually one.
    ///
    /// A frame that the decoder refuses is counted and skipped, never an error: the next one may be good. Packets
    /// that would lie before the start of the stream are left out.
    package mutating func convert(_ frame: EncodedFrame) -> [EncodedFrame] {
        var packets: [EncodedFrame] = []
        guard !frame.payload.isEmpty else {
            statistics.undecodable &+= 1
            hasLostFrame = true
            return packets
        }
        do throws(TranscodingError) {
            try decoder.send(frame.payload, time: frame.decodeTime)
            while let audio = try decoder.receive() {
                let pts = audio.pointee.pts
                let time = (pts == martlet_av_no_timestamp() ? frame.decodeTime : pts) - resampler.delay
                var samples: [Float] = []
                try resampler.convert(audio, appendingTo: &samples)
                append(samples, at: time, to: &packets)
            }
        } catch {
            statistics.undecodable &+= 1
            hasLostFrame = true
        }
        return packets
    }

    /// Takes note that frames are missing before the next one, whose time then tells how much.
    package mutating func noteLoss() {
        hasLostFrame = true
    }

    private mutating func append(_ samples: [Float], at time: Int64, to packets: inout [EncodedFrame]) {
        guard !samples.isEmpty else { return }
        defer { hasLostFrame = false }
        switch timeline.place(at: time, afterLoss: hasLostFrame) {
        case .append:
            break
        case .fill(let count):
            pending.append(contentsOf: repeatElement(0, count: count * OpusAudioEncoder.channels))
            timeline.append(count)
        case .restart:
            if timeline.end != nil { statistics.gaps &+= 1 }
            finishPacket(&packets)
            timeline.restart(at: time)
        case .discard:
            statistics.late &+= 1
            return
        }
        pending.append(contentsOf: samples)
        timeline.append(samples.count / OpusAudioEncoder.channels)
        drain(&packets)
        if let correction = timeline.correction() {
            resampler.compensate(samples: correction, over: abs(correction) * AudioTimeline.stretchDistance)
        }
    }

    /// Fills the packet under way with silence, so that what was heard before a gap is not lost.
    private mutating func finishPacket(_ packets: inout [EncodedFrame]) {
        let size = OpusAudioEncoder.frameSamples * OpusAudioEncoder.channels
        guard !pending.isEmpty else { return }
        let missing = size - pending.count % size
        pending.append(contentsOf: repeatElement(0, count: missing))
        timeline.append(missing / OpusAudioEncoder.channels)
        drain(&packets)
    }

    private mutating func drain(_ packets: inout [EncodedFrame]) {
        let size = OpusAudioEncoder.frameSamples * OpusAudioEncoder.channels
        var offset = 0
        while pending.count - offset >= size, let end = timeline.end {
            let samplesLeft = (pending.count - offset) / OpusAudioEncoder.channels
            let held = Int64(samplesLeft + encoder.lookahead) * 1_000_000 / Int64(OpusAudioEncoder.sampleRate)
            let time = end - held
            let payload = try? encoder.encode(Array(pending[offset..<(offset + size)]))
            if let payload, time >= 0 {
                packets.append(
                    EncodedFrame(
                        codec: .opus,
                        decodeTime: time,
                        presentationTime: time,
                        isKeyFrame: true,
                        payload: payload
                    )
                )
            }
            offset += size
        }
        pending.removeFirst(offset)
    }
}
