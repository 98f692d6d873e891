package import Hummingbird
import NIOCore
package import Primitives

/// What is known about a request besides the request.
package struct ClientContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The other end of the connection; `nil` in tests without one.
    package let peer: TransportAddress?
    let connection: ClientConnection?

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        connection = ClientConnection(source.channel)
        peer = Self.peer(of: source.channel)
    }

    static func peer(of channel: any Channel) -> TransportAddress? { channel.remoteAddress.flatMap(address) }

    private static func address(_ address: SocketAddress) -> TransportAddress? {
        // A zone (`fe80::1%eth0`) says which interface, not who.
        guard let text = address.ipAddress?.prefix(while: { $0 != "%" }), let port = address.port else { return nil }
        return TransportAddress(text, port: UInt16(truncatingIfNeeded: port))
    }
}
