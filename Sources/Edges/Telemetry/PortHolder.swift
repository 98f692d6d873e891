import Glibc

/// Finds out which process has a port.
///
/// Linux lists sockets with an inode in /proc/net, and the descriptors of each process in /proc; those of
/// other users cannot be read, and then nobody is found.
package struct PortHolder: Sendable, Equatable, CustomStringConvertible {
    package enum Transport: String, Sendable {
        case tcp
        case udp
    }

    /// The short name of the program.
    package var name: String
    package var process: Int32

    package var description: String { "\(name) (process \(process))" }

    /// - Parameters:
    ///   - port: A local port.
    ///   - transport: TCP looks for listeners alone.
    /// - Returns: The first process that holds it; `nil` when there is none, or the system does not tell.
    package static func find(port: UInt16, _ transport: Transport) -> PortHolder? {
        let inodes = Set(
            inodes(in: "/proc/net/\(transport.rawValue)", port: port, transport)
                + inodes(in: "/proc/net/\(transport.rawValue)6", port: port, transport))
        guard !inodes.isEmpty else { return nil }
        let wanted = Set(inodes.map { "socket:[\($0)]" })
        for process in entries(of: "/proc").compactMap({ Int32($0) }).sorted() {
            let directory = "/proc/\(process)/fd"
            if entries(of: directory).contains(where: { wanted.contains(link("\(directory)/\($0)")) }) {
                let name = ProcessFile.text(of: "/proc/\(process)/comm").filter { $0 != "\n" }
                return PortHolder(name: name, process: process)
            }
        }
        return nil
    }

    /// Lines of: index, local address, remote address, state, …; the inode is the tenth field.
    private static func inodes(in path: String, port: UInt16, _ transport: Transport) -> [String] {
        ProcessFile.text(of: path).split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, let hexadecimal = fields[1].split(separator: ":").last,
                UInt16(hexadecimal, radix: 16) == port, transport == .udp || fields[3] == "0A"
            else { return nil }
            return String(fields[9])
        }
    }

    private static func entries(of path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func link(_ path: String) -> String {
        var buffer = [CChar](repeating: 0, count: 64)
        let count = readlink(path, &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
