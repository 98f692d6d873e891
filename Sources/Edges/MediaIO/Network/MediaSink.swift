import Primitives

/// Where a worker's batch goes: its UDP socket, the TCP connections of clients that UDP does not reach, and the sockets
/// that connect to other gateways.
///
/// Only the UDP socket can hold a batch up. A TCP connection that is full loses its own datagrams and nobody else's.
final class MediaSink: DatagramSink {
    private let port: UDPPort
    private let connections: StreamConnections
    private let links: LinkSockets

    init(port: UDPPort, connections: StreamConnections, links: LinkSockets) {
        self.port = port
        self.connections = connections
        self.links = links
    }

    func send(_ messages: UnsafeBufferPointer<OutgoingMessage>, arena: UnsafeRawPointer) -> SendProgress {
        var done = 0
        while done < messages.count {
            if messages[done].destination.connection >= LinkRoute.firstNumber {
                links.send(messages[done], arena: arena)
                done += 1
                continue
            }
            if messages[done].destination.connection != 0 {
                connections.send(messages[done], arena: arena)
                done += 1
                continue
            }
            var end = done + 1
            while end < messages.count, messages[end].destination.connection == 0 { end += 1 }
            var progress = port.send(UnsafeBufferPointer(rebasing: messages[done..<end]), arena: arena)
            progress.messages += done
            guard progress.messages == end else { return progress }
            done = end
        }
        return SendProgress(messages: done)
    }
}
