import Glibc
import Telemetry

/// What a person or a script reads of a command.
enum Terminal {
    /// Writes one line to standard output at once: a buffer would be lost when the process is killed.
    static func say(_ line: String = "") {
        write(line + "\n", to: STDOUT_FILENO)
    }

    /// Writes one line for people to standard error, so that standard output stays for machines.
    static func note(_ line: String) {
        write(line + "\n", to: STDERR_FILENO)
    }

    /// Replaces the line that a person watches while a command works; nothing where no person is likely to.
    static func progress(_ line: String) {
        guard isLogInteractive else { return }
        // Back to the beginning, and erase what is behind the new text.
        write("\r\(line)\u{1B}[K", to: STDERR_FILENO)
    }

    /// Leaves the line of ``progress(_:)`` as it is, and goes on below.
    static func endProgress() {
        if isLogInteractive { write("\n", to: STDERR_FILENO) }
    }

    /// Whether a person is likely to read standard output.
    static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Whether a person is likely to read the log.
    static var isLogInteractive: Bool { isatty(STDERR_FILENO) == 1 }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                bytes = bytes.dropFirst(count)
            } else if errno != EINTR {
                return
            }
        }
    }
}
