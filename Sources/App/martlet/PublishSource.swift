import Media
import MediaClient
import Synchronization
import Transcoding

/// Where the frames of `martlet publish` come from.
protocol PublishSource: Sendable {
    /// What decoders must know, the picture first.
    var configurations: [CodecConfiguration] { get }
    /// The same as it is offered by WebRTC.
    var descriptions: [TrackDescription] { get }
    /// What is in the source and cannot be published.
    var omitted: [String] { get }

    /// Sends frames from now on; `onEnd` is called when they end by themselves.
    func start(into destination: any PublishDestination, onEnd: @escaping @Sendable (CommandEnd) -> Void)
    /// The server wants a key frame, which a source gives if it can.
    func requestKeyFrame()
    func stop()
}

/// The test pattern, made in this process.
final class PatternSource: PublishSource {
    let configurations: [CodecConfiguration]
    var descriptions: [TrackDescription] { configurations.map { TrackDescription($0) } }
    let omitted: [String] = []
    private let source: TestPatternSource
    private let destination: Destination

    /// Where frames go, once there is one; until then they are dropped.
    private final class Destination: Sendable {
        let current = Mutex<(any PublishDestination)?>(nil)
    }

    private init(source: TestPatternSource, destination: Destination, configurations: [CodecConfiguration]) {
        self.source = source
        self.destination = destination
        self.configurations = configurations
    }

    /// Starts the encoders, which tell their configuration.
    static func make() async throws(CommandFailure) -> PatternSource {
        let destination = Destination()
        let (stream, report) = AsyncStream.makeStream(of: CodecConfiguration.self)
        let source = TestPatternSource(
            configuration: { report.yield($0) },
            frame: { frame in destination.current.withLock { $0 }?.write(frame) })
        do throws(TranscodingError) {
            try source.start()
        } catch {
            throw CommandFailure("the test pattern cannot be made: \(error)")
        }
        var configurations: [CodecConfiguration] = []
        for await configuration in stream {
            configurations.append(configuration)
            if configurations.count == 2 { break }
        }
        return PatternSource(source: source, destination: destination, configurations: configurations)
    }

    func start(into destination: any PublishDestination, onEnd: @escaping @Sendable (CommandEnd) -> Void) {
        self.destination.current.withLock { $0 = destination }
        // What came before is lost, so that there is nothing to begin with.
        source.requestKeyFrame()
    }

    func requestKeyFrame() {
        source.requestKeyFrame()
    }

    func stop() {
        source.stop()
        destination.current.withLock { $0 = nil }
    }
}

/// A media file, paced in real time.
final class FilmSource: PublishSource {
    let configurations: [CodecConfiguration]
    let descriptions: [TrackDescription]
    let omitted: [String]
    private let path: String
    private let loops: Bool
    private let isReordered: Bool
    private let reader: Mutex<FilmReader?>
    private let player = Mutex<FilmPlayer?>(nil)
    private let refusesReordering = Atomic(false)

    init(path: String, loops: Bool) throws(CommandFailure) {
        do throws(FilmError) {
            let reader = try FilmReader(path: path)
            configurations = reader.configurations
            descriptions = reader.descriptions
            omitted = reader.omitted.map { "The \($0) track of \(path)" }
            isReordered = reader.video?.isReordered ?? false
            self.reader = Mutex(consume reader)
        } catch {
            throw CommandFailure("\(error)")
        }
        self.path = path
        self.loops = loops
    }

    /// Refuses a film with B-frames, now or when the first one comes.
    func requireOrderedPictures() throws(CommandFailure) {
        refusesReordering.store(true, ordering: .relaxed)
        if isReordered { throw CommandFailure(reorderingRefusal) }
    }

    private var reorderingRefusal: String {
        "\(path): has B-frames, pictures that are sent out of order, and browsers cannot play them by WebRTC; publish it "
            + "by RTMP, or encode it anew without: ffmpeg -i \(path) -c:v libx264 -bf 0 -c:a copy new.mp4"
    }

    func start(into destination: any PublishDestination, onEnd: @escaping @Sendable (CommandEnd) -> Void) {
        guard let reader = reader.withLock({ $0.take() }) else { return }
        let refusal = reorderingRefusal
        let started = FilmPlayer(
            reader, loops: loops, refusesReordering: refusesReordering.load(ordering: .relaxed),
            frame: { destination.write($0) },
            end: { end in
                switch end {
                case .finished: onEnd(.finished("end of file"))
                case .failed(let error): onEnd(.failed("\(error)"))
                case .reordered: onEnd(.failed(refusal))
                }
            })
        player.withLock { $0 = started }
    }

    /// The key frames of a file are where they are.
    func requestKeyFrame() {}

    func stop() {
        player.withLock { $0 }?.stop()
    }
}
