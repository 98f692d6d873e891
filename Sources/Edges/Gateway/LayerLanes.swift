import Media
import MediaIO
import Synchronization

/// The frames of each size in which a publisher sends its picture, beside those of the stream, for services that read
/// them all.
///
/// Epochs, times and clocks are those of the stream's own lane. May be used from any thread.
final class LayerLanes: Sendable {
    private struct State {
        /// The publisher's tracks, in the order of the lanes.
        var tracks: [TrackID] = []
        var writers: [FrameLane.Writer] = []
    }

    /// What the publisher calls its layers.
    let names: [String]
    /// One for each of them, in the same order.
    let lanes: [FrameLane]
    private let state = Mutex(State())

    init(names: [String]) {
        self.names = names
        lanes = names.map { _ in FrameLane() }
    }

    /// Lets a publisher in who sends the layers as these tracks.
    ///
    /// - Parameters:
    ///   - tracks: As many as there are names.
    ///   - epoch: Where the publisher has begun already.
    func open(_ tracks: [TrackID], epoch: PublishEpoch?) {
        let writers = lanes.map { $0.open() }
        state.withLock { $0 = State(tracks: tracks, writers: writers) }
        if let epoch { begin(epoch) }
    }

    /// Passes on what concerns the layers of what comes of the stream's tap.
    func write(_ output: TapOutput) {
        switch output {
        case .layerConfigured(let track, let configuration): writer(of: track)?.configure(configuration)
        case .layerFrame(let track, let frame): writer(of: track)?.write(frame)
        case .began, .configured, .frame: break
        }
    }

    func begin(_ epoch: PublishEpoch) {
        for writer in state.withLock({ $0.writers }) {
            writer.begin(
                unixNanosecondsAtZero: epoch.unixNanosecondsAtZero, kinds: [.video], number: epoch.number)
        }
    }

    /// The publisher has gone.
    func end() {
        state.withLock { $0 = State() }
        for lane in lanes { lane.end() }
    }

    /// There will be no such layers any more; readers are told so.
    func close() {
        for lane in lanes { lane.close() }
    }

    private func writer(of track: TrackID) -> FrameLane.Writer? {
        state.withLock { state in
            guard let index = state.tracks.firstIndex(of: track), state.writers.indices.contains(index) else {
                return nil
            }
            return state.writers[index]
        }
    }
}

/// Where the thread that makes a stream's frames finds its ``LayerLanes``, which come and go with their readers.
final class LayerSlot: Sendable {
    private let state = Mutex<LayerLanes?>(nil)

    var lanes: LayerLanes? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
