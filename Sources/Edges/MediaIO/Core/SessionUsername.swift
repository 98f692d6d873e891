/// Our ICE username fragments: they name the worker that owns the session.
///
/// One character for the worker, eleven random ones. A Binding request that arrives at the wrong
/// worker of the shared port finds its way by the first character, before anything has been learnt.
package enum SessionUsername {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    /// Workers that a username fragment can tell apart.
    package static let maximumWorkers = 64

    /// A fresh username fragment (12 characters, 66 random bits) and password (24 characters, 144 bits; RFC 8445 §5.3).
    package static func make(
        worker: Int,
        using generator: inout some RandomNumberGenerator
    ) -> (usernameFragment: String, password: String) {
        precondition((0..<maximumWorkers).contains(worker), "workers are counted when the media plane starts")
        func random(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
        }
        return (
            String(decoding: [alphabet[worker]] + random(11), as: UTF8.self),
            String(decoding: random(24), as: UTF8.self)
        )
    }

    /// The worker that made a username fragment; `nil` when it cannot be one of ours.
    package static func worker(of usernameFragment: [UInt8]) -> Int? {
        guard usernameFragment.count == 12 else { return nil }
        return alphabet.firstIndex(of: usernameFragment[0])
    }
}
