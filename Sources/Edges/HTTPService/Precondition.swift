/// `If-Match` (RFC 9110 section 13.1.1), without which RFC 9725 section 4.3.1 does not let a session be changed.
enum Precondition {
    /// Compares strongly: a weak tag (`W/"…"`) names nothing.
    ///
    /// - Parameters:
    ///   - fields: The values of all `If-Match` fields of a request.
    ///   - tag: The session's entity tag, with its quotes.
    /// - Throws: ``Problem/preconditionRequired``, ``Problem/preconditionFailed``.
    static func check(_ fields: [String], tag: String) throws(Problem) {
        guard !fields.isEmpty else { throw .preconditionRequired }
        // Our own tags hold neither commas nor spaces, so whatever is torn apart here is none of them.
        let names = fields.joined(separator: ",").split(separator: "," as Character).map { text in
            String(text.filter { $0 != " " && $0 != "\t" })
        }
        guard names == ["*"] || names.contains(tag) else { throw .preconditionFailed }
    }
}
