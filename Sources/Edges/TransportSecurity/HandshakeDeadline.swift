package import NIOCore
import NIOSSL
import NIOTLS

/// Closes a connection whose TLS handshake does not come to its end.
///
/// Idle times count from the first request: without this, who connects and says nothing would stay for ever.
package final class HandshakeDeadline: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer

    private let patience: TimeAmount
    private var timer: Scheduled<Void>?

    /// - Parameter patience: How long a handshake may take, from the connection on.
    package init(patience: TimeAmount = .seconds(10)) {
        self.patience = patience
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        stop()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { stop() }
        context.fireUserInboundEventTriggered(event)
    }

    private func stop() {
        timer?.cancel()
        timer = nil
    }
}
