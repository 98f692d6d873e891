import Media
import MediaIO
import Synchronization

/// Sends what a transcoder makes to viewers by WebRTC: the frames of a rendition become packets of a track.
final class RenditionFeed: FrameReader {
    private struct State {
        var lane: PacketLane
        var configuration: CodecConfiguration?
        /// Unix nanoseconds at media time 0; `nil` between publishers.
        var epoch: Int64?
    }

    let track: TrackID
    private let state: Mutex<State>
    private let post: @Sendable (MediaCommand) -> Void

    /// - Parameters:
    ///   - track: Known to the media plane already.
    ///   - codec: What the rendition is encoded with.
    ///   - post: For the worker that owns the stream; must not wait.
    init(_ track: TrackID, codec: Codec, post: @escaping @Sendable (MediaCommand) -> Void) {
        self.track = track
        self.post = post
        state = Mutex(State(lane: PacketLane(track, codec)))
    }

    func receive(_ event: FrameEvent) {
        state.withLock { state in
            switch event {
            case .began(let epoch):
                // Another publisher's times have nothing to do with those before.
                post(.endSource(track))
                state.lane = PacketLane(track, state.lane.codec)
                state.epoch = epoch.unixNanosecondsAtZero
            case .configured(let configuration): state.configuration = configuration
            case .clock(let zero): state.epoch = zero
            case .frame(let frame):
                guard let epoch = state.epoch, frame.codec == state.lane.codec,
                    let command = state.lane.packets(of: frame, configuration: state.configuration, epoch: epoch)
                else { return }
                post(command)
            case .ended, .closed: post(.endSource(track))
            }
        }
    }
}
