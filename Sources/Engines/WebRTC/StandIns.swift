package import Primitives

package struct ICECredentials: Hashable, Sendable {
    package var usernameFragment: String
    package var password: Secret
    package init(usernameFragment: String, password: Secret) {
        self.usernameFragment = usernameFragment
        self.password = password
    }
}

package struct ICECandidate: Hashable, Sendable {
    package var value: String
    package init?(parsing value: String) { self.value = value }
}

package enum HashAlgorithm: String, Sendable { case sha1, sha256, sha384, sha512 }

package struct Fingerprint: Hashable, Sendable {
    package var algorithm: HashAlgorithm
    package var bytes: [UInt8]
    package init?(sdp: String) {
        let parts = sdp.split(separator: " ")
        guard parts.count == 2 else { return nil }
        switch parts[0].lowercased() {
        case "sha-1": algorithm = .sha1
        case "sha-256": algorithm = .sha256
        case "sha-384": algorithm = .sha384
        case "sha-512": algorithm = .sha512
        default: return nil
        }
        bytes = parts[1].split(separator: ":").compactMap { UInt8($0, radix: 16) }
    }
    package var sdp: String {
        let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: ":")
        return "sha-256 \(hex)"
    }
}

package enum DTLSRole: Sendable { case client, server }
