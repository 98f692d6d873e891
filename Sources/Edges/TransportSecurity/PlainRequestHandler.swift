package import NIOCore

/// Stands before TLS, and answers those who come without it.
package final class PlainRequestHandler: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private enum State {
        case undecided
        case secure
        case answered
    }

    private var state = State.undecided

    package init() {}

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .secure: context.fireChannelRead(data)
        case .answered: break
        case .undecided:
            let bytes = unwrapInboundIn(data)
            guard let first = bytes.readableBytesView.first, PlainRequest.isPlain(first) else {
                state = .secure
                return context.fireChannelRead(data)
            }
            state = .answered
            let answer = PlainRequest.answer(to: Array(bytes.readableBytesView))
            let channel = context.channel
            context.writeAndFlush(wrapOutboundOut(channel.allocator.buffer(string: answer))).assumeIsolated()
                .whenComplete { _ in channel.close(promise: nil) }
        }
    }
}
