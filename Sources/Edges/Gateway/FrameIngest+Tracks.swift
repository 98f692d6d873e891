import Media
import MediaIO

/// What the tracks are, and what becomes of them when the publisher changes its mind.
extension FrameIngest {
    func configure(_ configuration: CodecConfiguration, _ state: inout State) {
        let kind = configuration.codec.kind
        let old = state.configurations.updateValue(configuration, forKey: kind)
        guard old != configuration else { return }
        if state.hasBegun { lane?.configure(configuration) }
        switch kind {
        case .video: beginVideo(configuration, &state)
        case .audio: if old != nil { restartTranscoder(&state) }
        }
        switch state.phase {
        case .collecting: announceIfComplete(&state)
        case .ready:
            if matchesLanes(state) {
                let tracks = Self.tracks(state)
                tell(&state) { $0.change = tracks }
            } else {
                announce(&state)
            }
        case .announced, .ended: break
        }
    }

    /// Some encoders say in their key frames alone that the picture has another size from now on.
    func noteParameterSets(in frame: EncodedFrame, _ state: inout State) {
        guard frame.isKeyFrame, frame.codec == .h264, case .h264(let sps, let pps)? = state.configurations[.video],
            let sets = H264ParameterSets(in: frame), sets.sps != sps || sets.pps != pps
        else { return }
        configure(.h264(sps: sets.sps, pps: sets.pps), &state)
    }

    /// Keeps a frame until its track has a number.
    func keep(_ frame: EncodedFrame, _ state: inout State) {
        // What is older than the last key frame is of no use to anybody.
        if frame.isKeyFrame, frame.codec.kind == .video { state.backlog.removeAll { $0.codec.kind == .video } }
        if state.backlog.count < Self.maximumBacklog { state.backlog.append(frame) }
    }

    func announceIfComplete(_ state: inout State) {
        guard case .collecting(let since) = state.phase, !state.configurations.isEmpty else { return }
        let elapsed = since.map { (state.backlog.last?.decodeTime ?? $0) &- $0 } ?? 0
        guard state.configurations.count == 2 || elapsed >= Self.patience else { return }
        announce(&state)
    }

    private func announce(_ state: inout State) {
        state.phase = .announced
        let tracks = Self.tracks(state)
        tell(&state) {
            $0.announcement = tracks
            $0.change = nil
        }
        guard !state.hasBegun else { return }
        for frame in state.backlog { read(frame, &state) }
    }

    func ready(_ tracks: [(id: TrackID, codec: Codec)], _ state: inout State) {
        guard case .announced = state.phase else { return }
        var lanes: [MediaKind: PacketLane] = [:]
        for track in tracks {
            let known = state.lanes[track.codec.kind]
            lanes[track.codec.kind] = known?.track == track.id ? known : PacketLane(track.id, track.codec)
        }
        state.lanes = lanes
        state.phase = .ready
        let backlog = state.backlog
        state.backlog = []
        for frame in backlog { send(frame, &state) }
        // The publisher may have changed its mind while the gateway was busy with the last announcement.
        if !matchesLanes(state) { announce(&state) }
    }

    /// Whether the media plane's tracks are those that the publisher sends.
    private func matchesLanes(_ state: State) -> Bool {
        state.configurations.count == state.lanes.count
            && state.configurations.allSatisfy { kind, configuration in
                state.lanes[kind]?.codec == Self.track(configuration).description.codec
            }
    }

    // MARK: Descriptions

    private static func tracks(_ state: State) -> [IngestNews.Track] {
        let order: [MediaKind] = [.video, .audio]
        return order.compactMap { state.configurations[$0] }.map(track)
    }

    private static func track(_ configuration: CodecConfiguration) -> IngestNews.Track {
        switch configuration {
        case .h264(let sps, _):
            let parsed = sps.first.flatMap { try? H264SequenceParameterSet(parsing: $0.span) }
            return IngestNews.Track(
                description: TrackDescription(
                    codec: .h264,
                    formatParameters: [
                        "packetization-mode": "1", "level-asymmetry-allowed": "1",
                        "profile-level-id": parsed?.profileLevelID ?? "42e01f",
                    ]
                ),
                width: parsed?.width,
                height: parsed?.height
            )
        case .h265(_, let sps, _):
            let parsed = sps.first.flatMap { try? H265SequenceParameterSet(parsing: $0.span) }
            return IngestNews.Track(
                description: TrackDescription(codec: .h265),
                width: parsed?.width,
                height: parsed?.height
            )
        case .av1, .vp8, .vp9:
            return IngestNews.Track(description: TrackDescription(codec: configuration.codec))
        case .aac, .opus:
            return IngestNews.Track(description: TrackDescription(codec: .opus, channels: 2))
        }
    }
}

/// The parameter sets that a key frame brings with it.
struct H264ParameterSets {
    var sps: [[UInt8]] = []
    var pps: [[UInt8]] = []

    /// `nil` unless there is at least one of each.
    init?(in frame: EncodedFrame) {
        guard let ranges = try? NALUnits.ranges(lengthPrefixed: frame.payload.span) else { return nil }
        for range in ranges {
            switch H264NALUnitType.of(frame.payload[range.lowerBound]) {
            case H264NALUnitType.sequenceParameterSet: sps.append(Array(frame.payload[range]))
            case H264NALUnitType.pictureParameterSet: pps.append(Array(frame.payload[range]))
            default: break
            }
        }
        guard !sps.isEmpty, !pps.isEmpty else { return nil }
    }
}
