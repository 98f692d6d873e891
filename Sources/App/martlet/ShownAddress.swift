import Foundation

extension URL {
    /// The address as people may read it, in a terminal or a log: without the password and the query, which may hold a
    /// credential.
    var shown: String {
        guard var parts = URLComponents(url: self, resolvingAgainstBaseURL: true) else { return host ?? "" }
        parts.user = nil
        parts.password = nil
        parts.query = nil
        parts.fragment = nil
        return parts.string ?? host ?? ""
    }
}
