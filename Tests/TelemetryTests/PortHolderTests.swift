import Glibc
import Telemetry
import Testing

@Suite("Who holds a port")
struct PortHolderTests {
    /// Opens a socket on a free port of this machine.
    private func withSocket(_ type: __socket_type, _ body: (UInt16) throws -> Void) throws {
        let descriptor = socket(AF_INET, Int32(type.rawValue), 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                guard bind(descriptor, name, length) == 0 else { return Int32(-1) }
                if type == SOCK_STREAM, listen(descriptor, 1) != 0 { return -1 }
                return getsockname(descriptor, name, &length)
            }
        }
        try #require(status == 0)
        try body(UInt16(bigEndian: address.sin_port))
    }

    @Test func `a TCP listener of this process is found`() throws {
        try withSocket(SOCK_STREAM) { port in
            #expect(PortHolder.find(port: port, .tcp)?.process == getpid())
        }
    }

    @Test func `a UDP socket of this process is found, and not taken for TCP`() throws {
        try withSocket(SOCK_DGRAM) { port in
            let holder = try #require(PortHolder.find(port: port, .udp))
            #expect(holder.process == getpid())
            #expect(!holder.name.isEmpty && !holder.description.contains("\n"))
            #expect(PortHolder.find(port: port, .tcp)?.process != getpid())
        }
    }

    @Test func `a port that nobody holds has no holder`() {
        #expect(PortHolder.find(port: 1, .udp) == nil)
    }
}
