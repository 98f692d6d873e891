import Glibc

/// The room on the disk where recordings lie, or will lie.
package struct FreeSpace: Sendable {
    package var bytes: Int64

    /// The room at a directory, or at the nearest above it where it is not there yet.
    ///
    /// `nil` when the system does not say.
    package init?(at path: String) {
        var path = path
        var status = statvfs()
        while statvfs(path, &status) != 0 {
            guard errno == ENOENT || errno == ENOTDIR, !path.isEmpty, path != "/", path != "." else { return nil }
            let above = path.lastIndex(of: "/").map { String(path[..<$0]) }
            path = above.map { $0.isEmpty ? "/" : $0 } ?? "."
        }
        bytes = Int64(
            clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
    }
}
