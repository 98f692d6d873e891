import Foundation
import ICE

/// A session that a run made and works on.
struct OpenSession {
    var url: URL
    var offer: ProbeOffer
    /// Changed by a restart.
    var credentials: ICECredentials
    /// `nil` where the server gave none.
    var tag: String?
    /// `ice-lite` and `ice-options` of the answer, which a restart has to repeat; `nil` when it could not be read.
    var attributes: ICEAttributes?
    /// The server's `ice-ufrag` and `ice-pwd`.
    var serverCredentials: [String]
    /// Whether PATCH with candidates has worked.
    var supportsTrickle = false
    var supportsRestart = false
    /// The server does not know it any more.
    var isGone = false

    /// What to send in `If-Match`: `*` stands for any state of a session without a tag.
    var match: String { tag ?? "*" }
}

/// What a description says about the kind of ICE agent (RFC 8839 §5.3, §5.6).
struct ICEAttributes: Hashable {
    var isLite: Bool
    var options: Set<String>
}
