import Logging
import Media
import Synchronization
import Telemetry
import Transcoding

/// Makes of a stream's frames what players of HLS take: AAC of Opus, which Safari and most television sets do not play
/// from HLS, and H.264 of VP8.
///
/// The first it does itself; the second is the gateway's, which counts and shares what it encodes anew. Everything else goes
/// through as it is, and so do Opus and VP8 where nothing better can be had.
final class PlayableFrames: FrameReader {
    /// Where the picture of a publisher of VP8 comes from.
    private enum Replacement {
        case none
        /// It was asked for, and may have come.
        case wanted
        case refused
    }

    private struct State {
        /// Grows with each epoch: what a transcoder makes of an earlier one comes too late.
        var generation = 0
        var epoch: UInt64?
        var audio: OpusToAACTranscoder?
        var replacement = Replacement.none
        /// Whether the present publisher sends VP8.
        var isVP8 = false
        /// The publisher of whom the replacement is.
        var replacedEpoch: UInt64?

        mutating func stop() {
            generation += 1
            audio?.stop()
            audio = nil
            isVP8 = false
        }
    }

    private let state = Mutex(State())
    private let output: any FrameReader
    private let onChange: @Sendable () -> Void
    private let logger: Logger

    /// - Parameters:
    ///   - output: Takes what is made.
    ///   - logger: For what cannot be made.
    ///   - onChange: ``isReplaced`` has changed: the picture in H.264 is wanted, for ``receiveReplacement(_:)``, or no
    ///     longer. Called on the publisher's thread; must not wait.
    init(output: any FrameReader, logger: Logger, onChange: @escaping @Sendable () -> Void) {
        self.output = output
        self.logger = logger
        self.onChange = onChange
    }

    func receive(_ event: FrameEvent) {
        // Held while the output is told, so that what the transcoders' threads have to say comes before or after.
        let asks = state.withLock { state -> Bool in
            switch event {
            case .began(let epoch):
                state.stop()
                state.epoch = epoch.number
                if state.replacement == .refused { state.replacement = .none }
                output.receive(event)
            case .ended, .closed:
                state.stop()
                state.epoch = nil
                output.receive(event)
            case .configured(.opus):
                // The transcoder goes on, whatever Opus comes.
                guard state.audio == nil else { return false }
                output.receive(startAudio(&state).map(FrameEvent.configured) ?? event)
            case .configured(.vp8):
                state.isVP8 = true
                switch state.replacement {
                case .none:
                    state.replacement = .wanted
                    return true
                case .wanted: break
                case .refused: output.receive(event)
                }
            case .configured(let configuration):
                output.receive(event)
                guard configuration.codec.kind == .video else { return false }
                state.isVP8 = false
                guard state.replacement != .none else { return false }
                state.replacement = .none
                return true
            case .frame(let frame):
                if frame.codec == .opus, let audio = state.audio {
                    audio.write(frame)
                } else if frame.codec != .vp8 || state.replacement == .refused {
                    output.receive(event)
                }
            case .clock: output.receive(event)
            }
            return false
        }
        if asks { onChange() }
    }

    /// Ends the threads.
    func stop() {
        state.withLock { $0.stop() }
    }

    // MARK: H.264 in place of VP8

    /// Whether the picture, and the ladder with it, come from elsewhere.
    var isReplaced: Bool { state.withLock { $0.replacement != .none } }

    /// Takes the next event of the picture in H.264.
    func receiveReplacement(_ event: FrameEvent) {
        state.withLock { state in
            switch event {
            case .began(let epoch): state.replacedEpoch = epoch.number
            case .configured, .frame:
                guard state.isVP8, state.replacement == .wanted, state.replacedEpoch == state.epoch else { return }
                output.receive(event)
            case .clock, .ended, .closed: break  // told already
            }
        }
    }

    /// There is no picture in H.264: VP8 goes out as it is, which some players take.
    func refuseReplacement() {
        state.withLock { state in
            state.replacement = .refused
            if state.isVP8 { output.receive(.configured(.vp8)) }
        }
        logger.warning("HLS sends VP8 as it is: no picture can be encoded anew for it at present")
    }

    // MARK: AAC in place of Opus

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

    private func pass(_ event: FrameEvent, of generation: Int) {
        state.withLock { state in
            guard state.generation == generation else { return }
            output.receive(event)
        }
    }
}
