import NIOCore

/// The connection that a request came by, or the stream of one (HTTP/2).
struct ClientConnection: Sendable {
    private let channel: any Channel

    /// - Returns: `nil` for a channel that leads nowhere, as in tests without a network.
    init?(_ channel: any Channel) {
        guard channel.remoteAddress != nil else { return nil }
        self.channel = channel
    }

    /// Cancels what is done for a client as soon as the client has hung up.
    ///
    /// A client that closes its half alone counts as gone too: of one that waits this looks the same as a player that was closed.
    /// Costs two turns of the connection's event loop, so it is for what may take long.
    func untilHangUp<Answer: Sendable>(_ operation: @Sendable @escaping () async -> Answer) async -> Answer {
        let (presence, end) = AsyncStream.makeStream(of: Never.self)
        let watch = await watchHangUp { end.finish() }
        let answer = await withTaskGroup(of: Answer?.self) { group in
            group.addTask {
                for await _ in presence {}
                return nil
            }
            group.addTask { await operation() }
            var answer: Answer?
            while answer == nil, let next = await group.next() {
                answer = next
                group.cancelAll()
            }
            return answer
        }
        endWatch(watch)
        guard let answer else { preconditionFailure("an operation that ends without an answer") }
        return answer
    }

    /// Tells when the client has hung up, until ``endWatch(_:)``; perhaps more than once.
    func watchHangUp(_ onHangUp: @Sendable @escaping () -> Void) async -> Watch {
        // The streams of HTTP/2 end their half with each request; such a stream is a child of a connection, and a
        // connection is one of a listener, which has no other end.
        let watch = HangUpWatch(isStream: channel.parent?.remoteAddress != nil, onHangUp: onHangUp)
        do {
            try await channel.pipeline.addHandler(watch, position: .first).get()
        } catch {
            onHangUp()
        }
        if !channel.isActive { onHangUp() }
        return Watch(handler: watch)
    }

    func endWatch(_ watch: Watch?) {
        guard let watch else { return }
        channel.pipeline.removeHandler(watch.handler, promise: nil)
    }

    /// Hangs up.
    func close() { channel.close(promise: nil) }

    /// Somebody who wants to know of the end of a connection.
    struct Watch: Sendable {
        fileprivate let handler: HangUpWatch
    }
}

/// Notices the end of a connection before what is behind it does: HTTP/1.1 does not look for it while an answer is awaited.
private final class HangUpWatch: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = NIOAny

    private let isStream: Bool
    private let onHangUp: @Sendable () -> Void

    init(isStream: Bool, onHangUp: @Sendable @escaping () -> Void) {
        self.isStream = isStream
        self.onHangUp = onHangUp
    }

    func channelInactive(context: ChannelHandlerContext) {
        onHangUp()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if !isStream, event as? ChannelEvent == .inputClosed { onHangUp() }
        context.fireUserInboundEventTriggered(event)
    }
}
