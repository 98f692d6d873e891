/// What a client adds to the address of a media playlist (RFC 8216bis §6.2.5).
package struct PlaylistDirectives: Hashable, Sendable {
    /// Answer when this segment, or the part of it, is there; `nil` at once.
    package var segment: Int?
    package var part: Int?
    /// Whether segments that the client knows may be left out.
    package var skips = false

    package init(segment: Int? = nil, part: Int? = nil, skips: Bool = false) {
        self.segment = segment
        self.part = part
        self.skips = skips
    }

    /// Reads a query string, and passes over what is not ours; `nil` when a directive makes no sense, which is a bad request.
    ///
    /// - Parameter query: Behind the question mark, as it came.
    package init?(query: some StringProtocol) {
        for pair in query.split(separator: "&").prefix(64) {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = sides.first, name.hasPrefix("_HLS_") else { continue }
            let value = sides.count > 1 ? sides[1] : ""
            switch name {
            case "_HLS_msn":
                guard segment == nil, let number = Self.number(value) else { return nil }
                segment = number
            case "_HLS_part":
                guard part == nil, let number = Self.number(value) else { return nil }
                part = number
            case "_HLS_skip":
                guard value == "YES" || value == "v2" else { return nil }
                skips = true
            default: continue  // "clients may use others" of later versions
            }
        }
        // §6.2.5.2: "_HLS_part" without "_HLS_msn" is an error.
        if part != nil, segment == nil { return nil }
    }

    private static func number(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }
}
