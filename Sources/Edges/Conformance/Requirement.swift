/// What an endpoint is asked to do, how urgently, and by which text.
package struct Requirement: Hashable, Sendable {
    /// The weight of a requirement, in the words of RFC 2119.
    package enum Level: String, Hashable, Sendable {
        case must = "MUST"
        case should = "SHOULD"
        case may = "MAY"
    }

    package var level: Level
    /// What is asked, as a sentence without its full stop.
    package var text: String
    /// Where WHIP asks for it; `nil` when WHIP does not.
    package var whip: String?
    /// Where WHEP asks for it; `nil` when WHEP does not.
    package var whep: String?

    init(_ level: Level, _ text: String, whip: String?, whep: String?) {
        self.level = level
        self.text = text
        self.whip = whip
        self.whep = whep
    }

    /// The same text asks both.
    init(_ level: Level, _ text: String, _ source: String) {
        self.init(level, text, whip: source, whep: source)
    }

    package func source(for kind: EndpointKind) -> String? {
        kind == .whip ? whip : whep
    }
}

/// What an endpoint takes offers for.
package enum EndpointKind: String, Hashable, Sendable, CaseIterable {
    /// Publishing (RFC 9725).
    case whip
    /// Watching (draft-ietf-wish-whep).
    case whep
}
