package import Media

/// Makes AAC frames of Opus packets, in the thread of the caller.
///
/// Frames follow each other at exactly 1,024 samples of 48 kHz. What is missing is made up for: losses by what the
/// decoder guesses, pauses of up to ``maximumPause`` by silence, because players of HLS stumble over holes. A frame's
/// time is that at which its sound is heard: what the encoder holds back is subtracted.
package struct OpusToAACConverter: ~Copyable {
    /// What has happened so far.
    package struct Statistics: Hashable, Sendable {
        /// Gaps in the timestamps after which the output time jumped.
        package var gaps: UInt64 = 0
        /// Samples per channel that were made up.
        package var concealed: UInt64 = 0
        /// Packets that the decoder refused.
        package var undecodable: UInt64 = 0
        /// Packets left out because their time had been filled already.
        package var late: UInt64 = 0
    }

    /// Longer pauses are left as they are (microseconds).
    package static let maximumPause: Int64 = 10_000_000
    /// Longer losses become silence (microseconds): guesses turn into noises.
    private static let maximumGuess: Int64 = 100_000

    /// Frames that the encoder holds back.
    private static let encoderDelay = 2

    package private(set) var statistics = Statistics()
    private var decoder: OpusDecoder
    private var encoder: AACEncoder
    private var timeline = AudioTimeline()
    /// Interleaved samples that do not fill a frame yet.
    private var pending: [Float] = []
    /// The position that the encoder was given last.
    private var position = Int64.min
    /// Samples that are still to be added, or to be left out when negative, because the publisher's clock says so.
    private var stretch = 0
    /// What the encoder still holds belongs to the time before ``restart()``, so many frames at most.
    private var oldFrames = 0

    /// - Parameter bitrate: Of the AAC frames, in bits per second.
    /// - Throws: ``TranscodingError`` when a codec is missing.
    package init(bitrate: Int = 128_000) throws(TranscodingError) {
        let decoder = try OpusDecoder()
        let encoder = try AACEncoder(bitrate: bitrate)
        self.decoder = decoder
        self.encoder = encoder
    }

    /// How the frames are encoded: AAC-LC, 48 kHz, stereo, whatever comes in.
    package var configuration: CodecConfiguration { .aac(audioSpecificConfig: encoder.audioSpecificConfig) }

    /// Converts one packet; returns the frames that are complete with it, usually none or one.
    ///
    /// A packet that the decoder refuses is counted and skipped, never an error: the next one may be good. Frames that
    /// would lie before the start of the stream are left out.
    package mutating func convert(_ packet: EncodedFrame) -> [EncodedFrame] {
        var frames: [EncodedFrame] = []
        var samples: [Float] = []
        do throws(TranscodingError) {
            // Losses before it are heard through the decoder first, which then knows what follows.
            bridge(to: packet.presentationTime, into: &frames)
            samples = try decoder.decode(packet.payload)
        } catch {
            statistics.undecodable &+= 1
            return frames
        }
        append(samples, at: packet.presentationTime, to: &frames)
        return frames
    }

    /// Media time counts anew: what is not complete is forgotten.
    package mutating func restart() {
        pending = []
        timeline = AudioTimeline()
        oldFrames = position == .min ? 0 : Self.encoderDelay
        position = .min
        stretch = 0
    }

    /// Fills the time up to that of the next packet.
    private mutating func bridge(to time: Int64, into frames: inout [EncodedFrame]) {
        guard let end = timeline.end else { return }
        let (gap, overflow) = time.subtractingReportingOverflow(end)
        guard !overflow, Double(gap) > AudioTimeline.idleDifference, gap <= Self.maximumPause else { return }
        let step = Int64(OpusAudioEncoder.frameSamples)
        var missing = gap * Int64(OpusDecoder.sampleRate) / 1_000_000
        var guessed = gap <= Self.maximumGuess ? missing / 120 * 120 : 0
        statistics.concealed &+= UInt64(missing)
        while missing > 0 {
            let count = Int(min(missing, step))
            if guessed >= 120 {
                let made = decoder.conceal(Int(min(guessed, Int64(count) / 120 * 120)))
                pending.append(contentsOf: made)
                guessed -= Int64(made.count / OpusDecoder.channels)
                missing -= Int64(made.count / OpusDecoder.channels)
                timeline.append(made.count / OpusDecoder.channels)
            } else {
                pending.append(contentsOf: repeatElement(0, count: count * OpusDecoder.channels))
                missing -= Int64(count)
                timeline.append(count)
            }
            drain(&frames)
        }
    }

    private mutating func append(_ samples: [Float], at time: Int64, to frames: inout [EncodedFrame]) {
        guard !samples.isEmpty else { return }
        switch timeline.place(at: time) {
        case .append, .fill: break
        case .restart:
            if timeline.end != nil { statistics.gaps &+= 1 }
            finishFrame(&frames)
            timeline.restart(at: time)
        case .discard:
            statistics.late &+= 1
            return
        }
        let samples = stretched(samples)
        pending.append(contentsOf: samples)
        timeline.append(samples.count / OpusDecoder.channels)
        drain(&frames)
        if let correction = timeline.correction() { stretch = correction }
    }

    /// Makes a packet longer or shorter by two samples at most, which nobody hears, while there is a need to.
    private mutating func stretched(_ samples: [Float]) -> [Float] {
        let count = samples.count / OpusDecoder.channels
        let step = min(
            max(stretch, -count / AudioTimeline.stretchDistance - 1), count / AudioTimeline.stretchDistance + 1)
        guard step != 0, count > 8 else { return samples }
        stretch -= step
        var result = samples
        let middle = (count / 2) * OpusDecoder.channels
        if step < 0 {
            result.removeSubrange(middle..<(middle - step * OpusDecoder.channels))
        } else {
            for _ in 0..<step {
                let between = (0..<OpusDecoder.channels).map {
                    (result[middle - OpusDecoder.channels + $0] + result[middle + $0]) / 2
                }
                result.insert(contentsOf: between, at: middle)
            }
        }
        return result
    }

    /// Fills the frame under way with silence, so that what was heard before a gap is not lost.
    private mutating func finishFrame(_ frames: inout [EncodedFrame]) {
        let size = AACEncoder.frameSamples * AACEncoder.channels
        guard !pending.isEmpty else { return }
        let missing = size - pending.count % size
        pending.append(contentsOf: repeatElement(0, count: missing))
        timeline.append(missing / AACEncoder.channels)
        drain(&frames)
    }

    private mutating func drain(_ frames: inout [EncodedFrame]) {
        let size = AACEncoder.frameSamples * AACEncoder.channels
        var offset = 0
        while pending.count - offset >= size, let end = timeline.end {
            let samplesLeft = Int64((pending.count - offset) / AACEncoder.channels)
            let rate = Int64(AACEncoder.sampleRate)
            // Exact multiples of a frame where there is no gap, whatever the rounding of microseconds.
            var next = end / 1_000_000 * rate + end % 1_000_000 * rate / 1_000_000 - samplesLeft
            let following = position == .min ? next : position + Int64(AACEncoder.frameSamples)
            if abs(next - following) <= 1 { next = following }
            position = max(next, following)
            let made = try? encoder.encode(pending[offset..<(offset + size)], at: position)
            if oldFrames > 0 {
                oldFrames -= 1
            } else if let made, made.position >= 0 {
                let time = made.position / rate * 1_000_000 + made.position % rate * 1_000_000 / rate
                frames.append(
                    EncodedFrame(
                        codec: .aac,
                        decodeTime: time,
                        presentationTime: time,
                        isKeyFrame: true,
                        payload: made.payload
                    )
                )
            }
            offset += size
        }
        pending.removeFirst(offset)
    }
}
