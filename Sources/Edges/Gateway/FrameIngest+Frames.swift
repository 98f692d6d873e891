import Media
import MediaIO
import Primitives
import Synchronization
import Transcoding

/// Frames out: in the order in which browsers can show them, as packets, with the time of day now and then.
extension FrameIngest {
    /// A media clock further from the wall clock than this has jumped.
    private static let maximumClockError: Int64 = 5_000_000_000

    func send(_ frame: EncodedFrame, _ state: inout State) {
        setEpoch(for: frame, &state)
        switch frame.codec {
        case .aac: state.transcoder?.write(frame)
        case .h264, .h265: if admit(frame, &state) { packetize(frame, &state) }
        default: packetize(frame, &state)
        }
    }

    /// Passes a frame on to those who read them, after all that they must know before it.
    func read(_ frame: EncodedFrame, _ state: inout State) {
        guard let lane else { return }
        setEpoch(for: frame, &state)
        if !state.hasBegun, let epoch = state.epoch {
            state.hasBegun = true
            lane.begin(
                unixNanosecondsAtZero: epoch, kinds: Set(state.configurations.keys),
                declaredBitrate: state.figures.declaredBitrate)
            for configuration in state.configurations.values { lane.configure(configuration) }
        }
        lane.write(frame)
    }

    /// Counts a frame as it comes from the encoder.
    func count(_ frame: EncodedFrame, _ state: inout State) {
        let kind = frame.codec.kind
        var track = state.figures.tracks[kind] ?? IngestFigures.Track(codec: frame.codec)
        track.codec = frame.codec
        track.frames += 1
        track.bytes += frame.payload.count
        state.figures.tracks[kind] = track
    }

    private func setEpoch(for frame: EncodedFrame, _ state: inout State) {
        let expected = wallClock() &- frame.decodeTime &* 1000
        state.figures.tracks[frame.codec.kind]?.lateness = expected &- (state.epoch ?? expected)
        if let epoch = state.epoch, (epoch &- expected).magnitude < Self.maximumClockError.magnitude { return }
        state.epoch = expected
        if state.hasBegun { lane?.setClock(unixNanosecondsAtZero: expected) }
        for kind in state.lanes.keys { state.lanes[kind]?.framesSinceClock = 0 }
    }

    func packetize(_ frame: EncodedFrame, _ state: inout State) {
        let kind = frame.codec.kind
        guard state.lanes[kind]?.codec == frame.codec, let epoch = state.epoch else { return }
        let configuration = kind == .video ? state.sentConfiguration : state.configurations[kind]
        let command = state.lanes[kind]?.packets(
            of: Self.withoutParameterSets(frame, ifNot: configuration), configuration: configuration, epoch: epoch)
        if let command { outputs.post(command) }
    }

    // MARK: Order

    /// New parameter sets: what was known of the order of pictures no longer counts.
    func beginVideo(_ configuration: CodecConfiguration, _ state: inout State) {
        state.reordering.configure(configuration)
        if state.isReordered {
            state.isReordered = false
            tell(&state) { $0.isReordered = false }
        }
        // Whatever viewers get is in order, and a decoder that is not told so holds pictures back.
        state.sentConfiguration = policy.keepsOrder ? configuration : configuration.withoutReordering
    }

    /// Whether a frame goes out; remembers what viewers must be told.
    private func admit(_ frame: EncodedFrame, _ state: inout State) -> Bool {
        switch state.reordering.admit(frame) {
        case .forward: return true
        case .dropDisposable:
            switch policy {
            case .keep:
                refuseViewers(.reorderedByPolicy, &state)
                return true
            case .transcode:
                refuseViewers(.reorderedTranscoded, &state)
                return true
            // Nobody can watch by WebRTC anyway, and whoever else reads the stream gets it whole.
            case .auto where state.isReordered: return true
            case .auto, .drop:
                if state.reordering.droppedCount == 1 { tell(&state) { $0.add(.reorderedDropped) } }
                return false
            }
        case .reordered:
            refuseViewers(policy.mayTranscode && canTranscode ? .reorderedTranscoded : .reordered, &state)
            return true
        }
    }

    private func refuseViewers(_ warning: IngestWarning, _ state: inout State) {
        guard !state.isReordered else { return }
        state.isReordered = true
        state.sentConfiguration = state.configurations[.video]
        tell(&state) {
            $0.isReordered = true
            $0.add(warning)
        }
    }

    /// A key frame without its own parameter sets where viewers get others in their place.
    private static func withoutParameterSets(
        _ frame: EncodedFrame,
        ifNot configuration: CodecConfiguration?
    ) -> EncodedFrame {
        guard frame.isKeyFrame, frame.codec == .h264, case .h264(let sps, _)? = configuration,
            let own = H264ParameterSets(in: frame), own.sps != sps,
            let ranges = try? NALUnits.ranges(lengthPrefixed: frame.payload.span)
        else { return frame }
        var writer = ByteWriter(capacity: frame.payload.count)
        for range in ranges {
            let type = H264NALUnitType.of(frame.payload[range.lowerBound])
            guard type != H264NALUnitType.sequenceParameterSet, type != H264NALUnitType.pictureParameterSet else {
                continue
            }
            writer.write(UInt32(truncatingIfNeeded: range.count))
            writer.write(frame.payload.span.extracting(range))
        }
        var frame = frame
        frame.payload = writer.bytes
        return frame
    }

    // MARK: Audio

    func restartTranscoder(_ state: inout State) {
        let old = state.transcoder
        state.transcoder = nil
        if let old { old.stop() }
        guard state.viewersPresent, case .aac(let config)? = state.configurations[.audio] else { return }
        let transcoder = AACToOpusTranscoder(audioSpecificConfig: config) { [weak self] frame in
            self?.state.withLock { state in
                guard let self else { return }
                self.packetize(frame, &state)
            }
        }
        do throws(TranscodingError) {
            try transcoder.start()
            state.transcoder = transcoder
        } catch {
            tell(&state) { $0.add(.audioNotTranscodable(error)) }
        }
    }
}
