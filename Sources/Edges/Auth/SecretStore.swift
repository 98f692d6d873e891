import Foundation
package import Primitives

/// Secrets that the gateway makes for itself at first start and keeps in its data directory.
package struct SecretStore: Sendable {
    package let directory: String

    package init(directory: String) {
        self.directory = directory
    }

    /// The HS256 secret, generated where there is none yet.
    ///
    /// A second process that starts at the same time gets the same secret: the file is complete before it gets
    /// its name, and it gets it only once.
    ///
    /// - Returns: At least ``TokenAuthority/minimumSecretLength`` bytes of text.
    /// - Throws: ``SecretStoreError``.
    package func tokenSecret() throws(SecretStoreError) -> Secret {
        let text = try text(named: "jwt.secret") { RandomText.hexadecimal(bytes: 32) }
        if let problem = lengthProblem(of: text) { throw problem }
        return Secret(text)
    }

    /// The name of this gateway, generated where there is none yet.
    ///
    /// - Returns: Eight hexadecimal digits, or what was written into the file.
    /// - Throws: ``SecretStoreError``.
    package func nodeID() throws(SecretStoreError) -> String {
        try text(named: "node.id") { RandomText.hexadecimal(bytes: 4) }
    }

    /// The file with the gateway's own certificate and its key, made where there is none yet.
    ///
    /// - Parameter generate: Makes both in PEM, less than 4 KB.
    /// - Returns: The path of the file.
    /// - Throws: ``SecretStoreError``.
    package func certificatePath(generate: () -> String) throws(SecretStoreError) -> String {
        _ = try text(named: "tls.pem", generate: generate)
        return path(of: "tls.pem")
    }

    /// What would keep the secrets from being read or made; looks, and makes nothing.
    ///
    /// - Returns: `nil` when all is well.
    package func problem() -> SecretStoreError? {
        do {
            if let text = try read(path(of: "jwt.secret")) { return lengthProblem(of: text) }
        } catch {
            return error
        }
        var parent = directory
        while access(parent, F_OK) != 0, !parent.isEmpty, parent != "/", parent != "." {
            let above = (parent as NSString).deletingLastPathComponent
            parent = above.isEmpty ? "." : above
        }
        return access(parent, W_OK | X_OK) == 0 ? nil : SecretStoreError(path: parent, errno: errno)
    }

    private func lengthProblem(of secret: String) -> SecretStoreError? {
        guard secret.utf8.count < TokenAuthority.minimumSecretLength else { return nil }
        return SecretStoreError(
            path: path(of: "jwt.secret"),
            reason: "shorter than \(TokenAuthority.minimumSecretLength) bytes; remove it and a new one is made"
        )
    }

    package func path(of name: String) -> String { directory + "/" + name }

    private func text(named name: String, generate: () -> String) throws(SecretStoreError) -> String {
        let path = path(of: name)
        if let text = try read(path) { return text }
        try makeDirectory()
        let draft = "\(path).\(getpid()).\(RandomText.hexadecimal(bytes: 4))"
        try write(generate() + "\n", to: draft)
        defer { unlink(draft) }
        // link() fails where the name exists: whoever was first wins.
        if link(draft, path) != 0, errno != EEXIST { throw SecretStoreError(path: path, errno: errno) }
        guard let text = try read(path) else { throw SecretStoreError(path: path, errno: ENOENT) }
        return text
    }

    private func makeDirectory() throws(SecretStoreError) {
        do {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw SecretStoreError(path: directory, reason: "cannot be created; set data.directory to a place that can")
        }
    }

    private func write(_ text: String, to path: String) throws(SecretStoreError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SecretStoreError(path: path, errno: errno) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw SecretStoreError(path: path, errno: errno)
        }
    }

    /// - Returns: The text without white space around it; `nil` when there is no such file.
    private func read(_ path: String) throws(SecretStoreError) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw SecretStoreError(path: path, errno: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        // A secret that others can read is one no longer; copied files often arrive that way.
        if fstat(descriptor, &status) == 0, status.st_mode & 0o077 != 0 { fchmod(descriptor, 0o600) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { throw SecretStoreError(path: path, errno: errno) }
        let text = String(decoding: buffer.prefix(count), as: UTF8.self)
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// Why a generated secret can be neither read nor written.
package struct SecretStoreError: Error, Sendable, CustomStringConvertible {
    package var path: String
    package var reason: String

    init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    init(path: String, errno code: Int32) {
        self.init(path: path, reason: String(cString: strerror(code)))
    }

    package var description: String { "\(path): \(reason)" }
}
