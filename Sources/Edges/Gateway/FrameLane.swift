package import Media
import MediaIO
import Synchronization

/// The frames of one stream on their way from its publishers to its readers.
///
/// There is one for the whole life of a stream, whoever publishes it. Readers are called under its lock, one event at a
/// time, so they must neither wait nor attach or detach anybody meanwhile. May be used from any thread.
package final class FrameLane: Sendable {
    private struct Reader {
        var reader: any FrameReader
        /// Whether the picture begins at the next key frame.
        var awaitsKeyFrame: Bool
    }

    private struct State {
        var history = FrameHistory()
        var readers: [UInt64: Reader] = [:]
        var nextReader: UInt64 = 1
        /// The only writer that is still heard.
        var writer = 0
        var lastEpoch: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Unix nanoseconds.
    private let wallClock: @Sendable () -> Int64

    /// - Parameter wallClock: Gives Unix nanoseconds.
    package init(wallClock: @escaping @Sendable () -> Int64 = { WallClock.nanosecondsSince1970() }) {
        self.wallClock = wallClock
    }

    // MARK: Readers

    package var hasReaders: Bool { state.withLock { !$0.readers.isEmpty } }

    /// Adds a reader, and tells it what it has missed.
    ///
    /// - Returns: Its number, and whether it waits for a key frame.
    package func attach(_ reader: any FrameReader) -> (number: UInt64, awaitsKeyFrame: Bool) {
        state.withLock { state in
            let number = state.nextReader
            state.nextReader += 1
            guard !state.isClosed else {
                reader.receive(.closed)
                return (number, false)
            }
            let history = state.history
            state.readers[number] = Reader(reader: reader, awaitsKeyFrame: history.frames.isEmpty)
            guard let epoch = history.epoch else { return (number, false) }
            reader.receive(.began(epoch))
            for kind in [MediaKind.video, .audio] {
                if let configuration = history.configurations[kind] { reader.receive(.configured(configuration)) }
            }
            for frame in history.frames { reader.receive(.frame(frame)) }
            return (number, history.lacksKeyFrame)
        }
    }

    /// Removes a reader, which hears nothing any more once this returns.
    package func detach(_ number: UInt64) {
        state.withLock { _ = $0.readers.removeValue(forKey: number) }
    }

    /// The present publisher; `nil` between two of them.
    var epoch: PublishEpoch? { state.withLock { $0.history.epoch } }

    /// The last key frame of the picture; `nil` before the first one of a publisher, and without a publisher.
    var keyFrame: KeyFrame? {
        state.withLock { state in
            let history = state.history
            guard let epoch = history.epoch, let frame = history.keyFrame,
                let configuration = history.configurations[.video]
            else { return nil }
            return KeyFrame(epoch: epoch.number, configuration: configuration, frame: frame)
        }
    }

    // MARK: Publishers

    /// A publisher's way onto the lane, until another one is opened.
    package struct Writer: Sendable {
        fileprivate let lane: FrameLane
        fileprivate let number: Int

        /// The publisher has begun.
        ///
        /// `number` is that of another lane, from which this one is made, where both must have the same.
        package func begin(
            unixNanosecondsAtZero zero: Int64, kinds: Set<MediaKind>, number given: UInt64? = nil,
            declaredBitrate: Int? = nil
        ) {
            lane.change(number) { state in
                lane.endEpoch(&state)
                let now = UInt64(clamping: lane.wallClock() / 1_000_000)
                state.lastEpoch = given ?? max(state.lastEpoch + 1, now)
                let epoch = PublishEpoch(
                    number: state.lastEpoch, unixNanosecondsAtZero: zero, kinds: kinds, declaredBitrate: declaredBitrate
                )
                state.history.begin(epoch)
                for number in state.readers.keys { state.readers[number]?.awaitsKeyFrame = true }
                return .began(epoch)
            }
        }

        /// Whether no other publisher has been let in since.
        var isHeard: Bool { lane.state.withLock { $0.writer == number } }

        package func configure(_ configuration: CodecConfiguration) {
            lane.change(number) { $0.history.configure(configuration) ? .configured(configuration) : nil }
        }

        package func write(_ frame: EncodedFrame) {
            lane.change(number) { $0.history.note(frame) ? .frame(frame) : nil }
        }

        /// The wall clock at media time 0 is known better now.
        package func setClock(unixNanosecondsAtZero zero: Int64) {
            lane.change(number) { state in
                guard let epoch = state.history.epoch, epoch.unixNanosecondsAtZero != zero else { return nil }
                state.history.setClock(unixNanosecondsAtZero: zero)
                return .clock(unixNanosecondsAtZero: zero)
            }
        }

        /// Passes on what comes of a tap.
        func write(_ output: TapOutput) {
            switch output {
            case .began(let zero, let kinds): begin(unixNanosecondsAtZero: zero, kinds: kinds)
            case .configured(let configuration): configure(configuration)
            case .frame(let frame): write(frame)
            case .layerConfigured, .layerFrame: break
            }
        }
    }

    /// Lets a publisher in; whoever wrote before is not heard any more.
    package func open() -> Writer {
        state.withLock { state in
            endEpoch(&state)
            state.writer += 1
            return Writer(lane: self, number: state.writer)
        }
    }

    /// The publisher has gone.
    package func end() {
        state.withLock { state in
            endEpoch(&state)
            state.writer += 1
        }
    }

    /// The stream is over.
    package func close() {
        state.withLock { state in
            endEpoch(&state)
            state.writer += 1
            state.isClosed = true
            for entry in state.readers.values { entry.reader.receive(.closed) }
            state.readers = [:]
        }
    }

    private func endEpoch(_ state: inout State) {
        guard state.history.epoch != nil else { return }
        state.history.end()
        for entry in state.readers.values { entry.reader.receive(.ended) }
    }

    /// Carries out what a writer says, if it is heard, and tells the readers.
    private func change(_ writer: Int, _ body: (inout State) -> FrameEvent?) {
        state.withLock { state in
            guard writer == state.writer, let event = body(&state) else { return }
            for number in state.readers.keys {
                if case .frame(let frame) = event, frame.codec.kind == .video {
                    if frame.isKeyFrame { state.readers[number]?.awaitsKeyFrame = false }
                    if state.readers[number]?.awaitsKeyFrame ?? true { continue }
                }
                state.readers[number]?.reader.receive(event)
            }
        }
    }
}
