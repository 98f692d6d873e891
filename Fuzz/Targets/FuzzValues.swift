import DTLS

/// Values that targets need and that have nothing to do with their input.
enum FuzzValues {
    static let fingerprint: Fingerprint = {
        let text = "sha-256 " + Array(repeating: "AB", count: 32).joined(separator: ":")
        guard let fingerprint = Fingerprint(sdp: text) else { preconditionFailure("a fingerprint of our own") }
        return fingerprint
    }()
}
