import CLinux
import Glibc
import ICE
import MediaIO
import Primitives
import STUN
import Testing

@testable import MediaIO

/// A TCP client on loopback with blocking calls, which speaks in frames (RFC 4571).
final class StreamClient {
    private let descriptor: Int32
    private var deframer = StreamDeframer()
    private var frames: [[UInt8]] = []

    /// Connects; `receiveBuffer` bytes make it a client that does not take much at a time.
    init(to address: TransportAddress, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, UInt32(MemoryLayout<Int32>.size))
        }
        var name = sockaddr_in6()
        let length = SocketAddress.write(address, family: AF_INET, to: &name)
        let socket = descriptor
        let result = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, length) }
        }
        try #require(result == 0)
    }

    deinit {
        close(descriptor)
    }

    static func frame(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }

    func send(raw bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func send(_ datagram: [UInt8]) {
        send(raw: Self.frame(datagram))
    }

    /// The next datagram; `nil` once the other side has closed the connection.
    func receive() -> [UInt8]? {
        while frames.isEmpty {
            guard read(flags: 0) else { return nil }
        }
        return frames.removeFirst()
    }

    /// The datagrams that are here already.
    func take() -> [[UInt8]] {
        while read(flags: Int32(MSG_DONTWAIT)) {}
        defer { frames = [] }
        return frames
    }

    private func read(flags: Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, flags)
        guard count > 0 else { return false }
        buffer.withUnsafeMutableBytes { bytes in
            try? deframer.receive(UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])) { frames.append(Array($0)) }
        }
        return true
    }
}

/// A listening TCP socket on loopback, for connections without a gateway around them.
final class StreamServer {
    private let descriptor: Int32
    let address: TransportAddress

    init() throws {
        let any = TransportAddress(ipv4: 0x7F00_0001, port: 0)
        var name = sockaddr_in6()
        let length = SocketAddress.write(any, family: AF_INET, to: &name)
        let socket = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                martlet_bind(Int32(SOCK_STREAM.rawValue), $0, length, 0, 0)
            }
        }
        try #require(socket >= 0 && listen(socket, 16) == 0)
        descriptor = socket
        var bound = sockaddr_in6()
        var boundLength = UInt32(MemoryLayout<sockaddr_in6>.size)
        _ = withUnsafeMutablePointer(to: &bound) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &boundLength) }
        }
        address = try #require(SocketAddress.read(&bound))
    }

    deinit {
        close(descriptor)
    }

    /// The connection of a client that has connected.
    func accept(sendBuffer: Int32? = nil) throws -> AcceptedStream {
        var name = sockaddr_in6()
        let connection = martlet_accept(descriptor, &name)
        try #require(connection >= 0)
        if var size = sendBuffer {
            setsockopt(connection, SOL_SOCKET, SO_SNDBUF, &size, UInt32(MemoryLayout<Int32>.size))
        }
        let source = try #require(SocketAddress.read(&name))
        return AcceptedStream(descriptor: connection, address: source, bytes: [])
    }
}

extension ICECredentials {
    /// A check by a client that knows these credentials.
    func check(password: String? = nil, transaction: UInt8 = 1) -> [UInt8] {
        STUNMessage(
            class: .request, transactionID: [UInt8](repeating: transaction, count: 12),
            attributes: [.username(Array("\(usernameFragment):client".utf8)), .priority(1), .iceControlling(1)]
        ).encoded(integrityKey: Array((password ?? self.password.revealed).utf8))
    }
}
