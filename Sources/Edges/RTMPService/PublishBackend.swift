package import Gateway
package import Media
package import Primitives

/// Who wants to publish what, as an RTMP encoder says it.
package struct RTMPPublishRequest: Sendable {
    package var stream: StreamName
    /// The value of `token` or `key`; both are tried as either.
    package var credential: Secret?
    /// The other end of the connection; `nil` when the system does not know it any more.
    package var peer: TransportAddress?

    package init(stream: StreamName, credential: Secret?, peer: TransportAddress?) {
        self.stream = stream
        self.credential = credential
        self.peer = peer
    }
}

/// Whether somebody may publish.
package enum AuthorizationDecision: Sendable {
    case allowed(PublisherIdentity, SessionTerms)
    /// `reason` is a stable word for logs and metrics; `message` says what to do, and holds no secret.
    case refused(reason: String, message: String)
}

/// Where the frames of one publication go.
///
/// Thread safe, never waits.
package protocol FrameSink: Sendable {
    func configure(_ configuration: CodecConfiguration)
    func write(_ frame: EncodedFrame)
    func warn(_ warning: IngestWarning)
    /// Takes what the encoder says it sends, in bits per second.
    func declare(bitrate: Int)
    /// Notes that timestamps jumped or went back; those of the frames go on.
    func noteClockJump()
    func finish()
}

/// A publication that was let in, or turned away.
package enum PublishAdmission: Sendable {
    case admitted(any FrameSink)
    /// `code` is an RTMP status code, `reason` a stable word, `message` what the encoder shows.
    case refused(code: String, reason: String, message: String)
}

/// What decides about publishers and takes in their frames.
package protocol PublishBackend: Sendable {
    /// Lets a publisher in or turns it away.
    ///
    /// - Parameters:
    ///   - request: Who wants to publish what.
    ///   - onEnd: Called at most once, on any thread, when the publication must end although the
    ///     publisher goes on.
    /// - Returns: The way in, or why not.
    func admit(
        _ request: RTMPPublishRequest,
        onEnd: @escaping @Sendable (IngestEnd) -> Void
    ) async -> PublishAdmission
}
