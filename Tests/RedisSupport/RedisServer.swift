import Foundation
import Glibc
import Primitives
package import Redis

/// A real Redis on a port of its own, in memory alone, as long as somebody holds it.
package final class RedisServer: @unchecked Sendable {
    // Started in init and ended in deinit or stop(), by the test that made it.
    private let process = Process()
    package let port: UInt16
    private static let path = "/usr/bin/redis-server"

    /// Whether there is one to start.
    package static var isInstalled: Bool { access(path, X_OK) == 0 }

    /// - Throws: When it cannot be started.
    package init(port: UInt16? = nil, options: [String] = []) throws {
        signal(SIGPIPE, SIG_IGN)
        self.port = port ?? Self.freePort()
        process.executableURL = URL(filePath: Self.path)
        process.arguments =
            ["--bind", "127.0.0.1", "--port", "\(self.port)", "--save", "", "--appendonly", "no"] + options
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit { stop() }

    /// How to reach it, with patience for a machine that does everything at once.
    package var configuration: RedisConfiguration {
        var configuration = RedisConfiguration(host: "127.0.0.1", port: port)
        configuration.patience = .seconds(120)
        return configuration
    }

    /// Ends it, and what it held is gone.
    package func stop() {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    private static func freePort() -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, length)
                _ = getsockname(descriptor, $0, &length)
            }
        }
        return UInt16(bigEndian: address.sin_port)
    }
}

extension RedisClient {
    /// Waits for the connection, which comes as soon as the server listens.
    ///
    /// - Returns: Whether it is there; after two minutes it no longer comes.
    package func waitUntilUp() async -> Bool {
        for _ in 0..<12_000 {
            if state == .up { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}
