import Logging
import Media
import Synchronization
import Telemetry
import Transcoding

/// Makes of a stream's frames what players of HLS take: AAC of Opus, which Safari and most television sets do not play
/// from HLS, and H.264 of VP8.
///
/// Everything else goes through as it is. Where an encoder is missing, so do Opus and VP8.
final class PlayableFrames: FrameReader {
    private struct State {
        /// Grows with each epoch: what a transcoder makes of an earlier one comes too late.
        var generation = 0
        var epoch: PublishEpoch?
        var audio: OpusToAACTranscoder?
        var video: VideoTranscoder?

        mutating func stop() {
            generation += 1
            audio?.stop()
            video?.stop()
            (audio, video) = (nil, nil)
        }
    }

    private let state = Mutex(State())
    private let output: any FrameReader
    private let requestKeyFrame: @Sendable () -> Void
    private let logger: Logger

    init(output: any FrameReader, logger: Logger, requestKeyFrame: @escaping @Sendable () -> Void) {
        self.output = output
        self.logger = logger
        self.requestKeyFrame = requestKeyFrame
    }

    func receive(_ event: FrameEvent) {
        // Held while the output is told, so that what the transcoders' threads have to say comes before or after.
        state.withLock { state in
            switch event {
            case .began(let epoch):
                state.stop()
                state.epoch = epoch
                output.receive(event)
            case .ended, .closed:
                state.stop()
                output.receive(event)
            case .configured(.opus):
                // The transcoder goes on, whatever Opus comes.
                guard state.audio == nil else { return }
                output.receive(startAudio(&state).map(FrameEvent.configured) ?? event)
            case .configured(.vp8):
                if state.video == nil { startVideo(&state) }
                if let video = state.video { video.receive(event) } else { output.receive(event) }
            case .frame(let frame):
                if frame.codec == .opus, let audio = state.audio {
                    audio.write(frame)
                } else if frame.codec == .vp8, let video = state.video {
                    video.receive(event)
                } else {
                    output.receive(event)
                }
            case .configured, .clock: output.receive(event)
            }
        }
    }

    /// Ends the threads.
    func stop() {
        state.withLock { $0.stop() }
    }

    private func startAudio(_ state: inout State) -> CodecConfiguration? {
        let generation = state.generation
        let transcoder = OpusToAACTranscoder { [weak self] frame in
            self?.pass(.frame(frame), of: generation)
        }
        do throws(TranscodingError) {
            // Some milliseconds on the publisher's frame thread, once for each publisher.
            let configuration = try transcoder.start()
            state.audio = transcoder
            return configuration
        } catch {
            logger.warning("HLS sends Opus as it is: AAC cannot be made", metadata: [LogKeys.errorMessage: "\(error)"])
            return nil
        }
    }

    private func startVideo(_ state: inout State) {
        let generation = state.generation
        let transcoder = VideoTranscoder(
            renditions: [VideoRendition(codec: .h264)], needsKeyFrame: requestKeyFrame
        ) { [weak self] _, event in
            switch event {
            case .configured, .frame: self?.pass(event, of: generation)
            default: break  // told already
            }
        }
        do throws(TranscodingError) {
            try transcoder.start()
            state.video = transcoder
            if let epoch = state.epoch { transcoder.receive(.began(epoch)) }
        } catch {
            logger.warning("HLS sends VP8 as it is: H.264 cannot be made", metadata: [LogKeys.errorMessage: "\(error)"])
        }
    }

    private func pass(_ event: FrameEvent, of generation: Int) {
        state.withLock { state in
            guard state.generation == generation else { return }
            output.receive(event)
        }
    }
}
