import Gateway
import Media
import Primitives
import RTMP
import RTMPService
import Synchronization

/// Lets in whom a test wants in, and keeps what they send.
final class RecordingBackend: PublishBackend {
    /// What happened, in order.
    enum Event: Sendable, Equatable {
        case requested(stream: String, credential: String?, isLoopback: Bool)
        case configuration(CodecConfiguration)
        case frame(Codec, isKeyFrame: Bool, payload: [UInt8])
        case warning(String)
        case clockJump
        case finished
    }

    private let decide: @Sendable (RTMPPublishRequest) async -> String?
    private let onEnd = Mutex<(@Sendable (IngestEnd) -> Void)?>(nil)
    let events: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation
    private let times = Mutex<[Int64]>([])

    /// Of every frame so far, in microseconds.
    var decodeTimes: [Int64] { times.withLock { $0 } }

    /// - Parameter decide: `nil` lets the publisher in, a text refuses it.
    init(_ decide: @escaping @Sendable (RTMPPublishRequest) async -> String? = { _ in nil }) {
        self.decide = decide
        (events, continuation) = AsyncStream.makeStream()
    }

    func admit(
        _ request: RTMPPublishRequest,
        onEnd: @escaping @Sendable (IngestEnd) -> Void
    ) async -> PublishAdmission {
        continuation.yield(
            .requested(
                stream: request.stream.description,
                credential: request.credential?.revealed,
                isLoopback: request.peer?.isLoopback ?? false
            )
        )
        if let refusal = await decide(request) {
            return .refused(code: RTMPStatusCode.publishDenied, reason: "test", message: refusal)
        }
        self.onEnd.withLock { $0 = onEnd }
        return .admitted(Sink(backend: self, continuation: continuation))
    }

    /// Ends the publication that was admitted last.
    func end(_ reason: IngestEnd) {
        onEnd.withLock { $0 }?(reason)
    }

    private struct Sink: FrameSink {
        let backend: RecordingBackend
        let continuation: AsyncStream<Event>.Continuation

        func configure(_ configuration: CodecConfiguration) { continuation.yield(.configuration(configuration)) }
        func write(_ frame: EncodedFrame) {
            backend.times.withLock { $0.append(frame.decodeTime) }
            continuation.yield(.frame(frame.codec, isKeyFrame: frame.isKeyFrame, payload: frame.payload))
        }
        func warn(_ warning: IngestWarning) { continuation.yield(.warning(warning.code)) }
        func declare(bitrate: Int) {}
        func noteClockJump() { continuation.yield(.clockJump) }
        func finish() { continuation.yield(.finished) }
    }
}
