/// `a=group`: media sections that belong together (RFC 5888 §5).
package struct MediaGroup: Hashable, Sendable {
    /// `BUNDLE` for sections that share one transport (RFC 9143).
    package var semantics: String
    package var mids: [String]

    package init(semantics: String, mids: [String]) {
        self.semantics = semantics
        self.mids = mids
    }

    /// Reads an attribute's value, `BUNDLE 0 1`.
    package init?(parsing value: String) {
        let fields = value.sdpFields()
        guard let first = fields.first else { return nil }
        self.init(semantics: String(first), mids: fields.dropFirst().map(String.init))
    }

    package var value: String { ([semantics] + mids).joined(separator: " ") }
}

extension SessionDescription {
    /// The first group with `semantics`, such as `BUNDLE`.
    package func group(_ semantics: String) -> MediaGroup? {
        for value in attributes.all("group") {
            if let group = MediaGroup(parsing: value), group.semantics == semantics { return group }
        }
        return nil
    }
}
