import HLS
import HLSService
import Media
import NIOCore
import Primitives
import Synchronization

/// Answers what a test wants, and notes what it was asked.
final class FakeHLS: HLSSource {
    private let answers = Mutex<[ResourceName: HLSAnswer]>([:])
    private let asked = Mutex<[(ResourceName, PlaylistDirectives)]>([])

    static let playlist = "#EXTM3U\n" + String(repeating: "#EXT-X-PART:DURATION=0.5\n", count: 50)

    /// What is waited for until whoever asks hangs up.
    private let endless = Mutex<Set<ResourceName>>([])
    /// Each time that somebody begins to wait, and that somebody has gone.
    let waits: AsyncStream<Bool>
    private let report: AsyncStream<Bool>.Continuation

    init() {
        (waits, report) = AsyncStream.makeStream(of: Bool.self)
        self[.multivariant] = .playlist(
            HLSPlaylist(
                body: ByteBuffer(string: Self.playlist), compressed: ByteBuffer(string: "smaller"), tag: "7-1"))
        self[.media(.video)] = self[.multivariant]
        self[.segment(.video, epoch: 1, number: 2)] = .media(ByteBuffer(bytes: [UInt8](0..<100)))
    }

    subscript(name: ResourceName) -> HLSAnswer {
        get { answers.withLock { $0[name] } ?? .notFound }
        set { answers.withLock { $0[name] = newValue } }
    }

    var directives: [PlaylistDirectives] { asked.withLock { $0.map(\.1) } }

    func answer(_ name: ResourceName, directives: PlaylistDirectives, stream: StreamName) async -> HLSAnswer {
        asked.withLock { $0.append((name, directives)) }
        guard endless.withLock({ $0.contains(name) }) else { return self[name] }
        let never = AsyncStream.makeStream(of: Never.self)
        report.yield(true)
        for await _ in never.stream {}
        report.yield(false)
        return .timedOut
    }

    /// Lets whoever asks for this wait until they hang up.
    func hold(_ name: ResourceName) { endless.withLock { _ = $0.insert(name) } }
}

/// The answers that hold nothing, for the arguments of tests.
enum HLSAnswerCase: Sendable, CaseIterable {
    case tooFarAhead, timedOut, notPublishing, overloaded, notFound

    var answer: HLSAnswer {
        switch self {
        case .tooFarAhead: .tooFarAhead
        case .timedOut: .timedOut
        case .notPublishing: .notPublishing
        case .overloaded: .overloaded
        case .notFound: .notFound
        }
    }
}
