import Auth
import Glibc
import ICE
import Primitives

/// Goes through a real allocation at a TURN server, over a socket of its own.
struct TURNProbe {
    /// What came of it.
    enum Result: Sendable {
        case finished(TURNAllocation.Outcome)
        /// The network said no before the server could, with `errno`.
        case unreachable(Int32)
    }

    let server: TransportAddress
    let isTCP: Bool
    let credentials: TURNAllocation.Credentials
    /// Whom the server shall relay to.
    let peers: [TransportAddress]

    /// Waits for the network, ``TURNAllocation/patience`` at most: not for threads that others wait for.
    func run() -> Result {
        let descriptor = SocketProbe.connect(to: server, isTCP: isTCP, milliseconds: 5000)
        guard descriptor >= 0 else { return .unreachable(-descriptor) }
        defer { close(descriptor) }
        var generator = SystemRandomNumberGenerator()
        var stream = TURNStream()
        var allocation = TURNAllocation(
            credentials: credentials, peers: peers, isReliable: isTCP, now: MonotonicClock.now())
        var action: TURNAllocation.Action? = allocation.start(at: MonotonicClock.now(), using: &generator)
        var waiting: [[UInt8]] = []
        while true {
            switch action {
            case .send(let bytes):
                if let code = SocketProbe.send(bytes, to: descriptor) { return .unreachable(code) }
            case .finish(let outcome): return .finished(outcome)
            case nil: break
            }
            if !waiting.isEmpty {
                let message = waiting.removeFirst()
                action = allocation.receive(message.span, at: MonotonicClock.now(), using: &generator)
                continue
            }
            let pause = allocation.deadline.map { ($0 - MonotonicClock.now()).milliseconds } ?? 0
            switch SocketProbe.receive(from: descriptor, milliseconds: Int32(max(pause.rounded(.up), 0))) {
            case .failure(let error): return .unreachable(error.code)
            case .success(nil): action = allocation.advance(to: MonotonicClock.now())
            case .success(let bytes?) where bytes.isEmpty: return .finished(.failed(.noAnswer))
            case .success(let bytes?):
                guard isTCP else {
                    waiting = [bytes]
                    action = nil
                    continue
                }
                do {
                    waiting = try stream.receive(bytes.span)
                } catch {
                    return .finished(.failed(.malformedAnswer))
                }
                action = nil
            }
        }
    }
}

/// A socket that is waited for, for examinations that have nothing else to do.
enum SocketProbe {
    struct Failure: Error {
        /// `errno` of the failed call.
        var code: Int32
    }

    /// - Returns: A connected descriptor, or a negative `errno`.
    static func connect(to server: TransportAddress, isTCP: Bool, milliseconds: Int32) -> Int32 {
        let type = Int32((isTCP ? SOCK_STREAM : SOCK_DGRAM).rawValue)
        let descriptor = socket(
            server.isIPv4 ? AF_INET : AF_INET6,
            type | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return -errno }
        var status: Int32
        if let ipv4 = server.ipv4 {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = server.port.bigEndian
            address.sin_addr.s_addr = ipv4.bigEndian
            status = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        } else {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = server.port.bigEndian
            withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
                bytes.storeBytes(of: server.high.bigEndian, as: UInt64.self)
                bytes.storeBytes(of: server.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            status = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
        if status != 0, errno == EINPROGRESS {
            status = wait(for: POLLOUT, on: descriptor, milliseconds: milliseconds) ? 0 : -1
            var code: Int32 = status == 0 ? 0 : ETIMEDOUT
            var length = socklen_t(MemoryLayout<Int32>.size)
            if status == 0 { getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) }
            errno = code
            if code != 0 { status = -1 }
        }
        guard status == 0 else {
            let code = errno
            close(descriptor)
            return -code
        }
        return descriptor
    }

    /// - Returns: `errno` when nothing could be sent.
    static func send(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
        // A few hundred bytes fit into any socket's buffer.
        Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count ? nil : errno
    }

    /// - Returns: What came, nothing at a stream's end, and `nil` when the time was over.
    static func receive(from descriptor: Int32, milliseconds: Int32) -> Swift.Result<[UInt8]?, Failure> {
        guard wait(for: POLLIN, on: descriptor, milliseconds: milliseconds) else { return .success(nil) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { return errno == EAGAIN ? .success(nil) : .failure(Failure(code: errno)) }
        return .success(Array(buffer.prefix(count)))
    }

    private static func wait(for event: Int32, on descriptor: Int32, milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }
}
