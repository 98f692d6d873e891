import Glibc

/// Where log lines go.
package struct LogOutput: Sendable {
    private let write: @Sendable (String) -> Void

    /// - Parameter write: Takes one line with its line break; may be called from any thread.
    package init(write: @escaping @Sendable (String) -> Void) {
        self.write = write
    }

    package func callAsFunction(_ line: String) { write(line) }

    /// Standard error, one `write` a line: lines of several threads do not mix, and nothing is lost in a buffer
    /// when the process is killed.
    package static let standardError = LogOutput { line in
        var bytes = Array(line.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count > 0 {
                bytes = bytes.dropFirst(count)
            } else if errno != EINTR {
                // Nobody reads any more: there is nowhere to say so.
                return
            }
        }
    }
}
