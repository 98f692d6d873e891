/// The playlist that lists the forms of a stream (RFC 8216bis §4.4.6).
package struct MultivariantPlaylist: Hashable, Sendable {
    /// `EXT-X-STREAM-INF`, and the media playlist that it stands before.
    package struct Variant: Hashable, Sendable {
        /// Bits per second, the peak over segments.
        package var bandwidth: UInt64
        package var averageBandwidth: UInt64?
        package var codecs: String?
        /// Width and height in pixels.
        package var resolution: [UInt64]?
        package var frameRate: Double?
        /// The `GROUP-ID` of its audio renditions.
        package var audio: String?
        package var uri: String
    }

    /// `EXT-X-MEDIA`: another form of the sound, the picture or the subtitles.
    package struct Rendition: Hashable, Sendable {
        /// `AUDIO`, `VIDEO`, `SUBTITLES` or `CLOSED-CAPTIONS`.
        package var type: String
        package var group: String
        package var name: String
        package var isDefault: Bool
        /// `nil` where the rendition is part of the variants that name the group.
        package var uri: String?
    }

    package var version: UInt64 = 1
    package var isIndependent = false
    package var variants: [Variant] = []
    package var renditions: [Rendition] = []

    /// Reads a whole playlist; tags that it does not know are passed over (§6.3.1).
    package init(parsing bytes: Span<UInt8>) throws(PlaylistError) {
        var pending: (list: AttributeList, line: Int)?
        for line in try PlaylistLines(bytes).lines {
            switch line.content {
            case .tag("#EXT-X-VERSION", let value):
                guard let number = Decimal.integer(value) else {
                    throw .malformed(tag: "EXT-X-VERSION", line: line.number)
                }
                version = number
            case .tag("#EXT-X-INDEPENDENT-SEGMENTS", _): isIndependent = true
            case .tag("#EXT-X-STREAM-INF", let value):
                guard let list = AttributeList(parsing: value), pending == nil else {
                    throw .malformed(tag: "EXT-X-STREAM-INF", line: line.number)
                }
                pending = (list, line.number)
            case .tag("#EXT-X-MEDIA", let value): renditions.append(try Self.rendition(value, line: line.number))
            case .tag("#EXTINF", _), .tag("#EXT-X-TARGETDURATION", _), .tag("#EXT-X-MEDIA-SEQUENCE", _),
                .tag("#EXT-X-PART", _):
                throw .mixed
            case .tag: break
            case .address(let uri):
                guard let (list, number) = pending else { throw .malformed(tag: "EXT-X-STREAM-INF", line: line.number) }
                variants.append(try Self.variant(list, uri: uri, line: number))
                pending = nil
            }
        }
        if let pending { throw .malformed(tag: "EXT-X-STREAM-INF", line: pending.line) }
    }

    private static func variant(_ list: AttributeList, uri: String, line: Int) throws(PlaylistError) -> Variant {
        guard let bandwidth = list.integer("BANDWIDTH") else {
            throw .missing(attribute: "BANDWIDTH", tag: "EXT-X-STREAM-INF", line: line)
        }
        let resolution = list.word("RESOLUTION").map { text in
            text.split(separator: "x", omittingEmptySubsequences: false).map { Decimal.integer($0) }
        }
        if let resolution, resolution.count != 2 || resolution.contains(nil) {
            throw .malformed(tag: "EXT-X-STREAM-INF", line: line)
        }
        return Variant(
            bandwidth: bandwidth, averageBandwidth: list.integer("AVERAGE-BANDWIDTH"), codecs: list.string("CODECS"),
            resolution: resolution?.compactMap { $0 }, frameRate: list.decimal("FRAME-RATE"),
            audio: list.string("AUDIO"),
            uri: uri)
    }

    private static func rendition(_ value: Substring, line: Int) throws(PlaylistError) -> Rendition {
        let tag = "EXT-X-MEDIA"
        guard let list = AttributeList(parsing: value) else { throw .malformed(tag: tag, line: line) }
        guard let type = list.word("TYPE") else { throw .missing(attribute: "TYPE", tag: tag, line: line) }
        guard let group = list.string("GROUP-ID") else { throw .missing(attribute: "GROUP-ID", tag: tag, line: line) }
        guard let name = list.string("NAME") else { throw .missing(attribute: "NAME", tag: tag, line: line) }
        return Rendition(type: type, group: group, name: name, isDefault: list.flag("DEFAULT"), uri: list.string("URI"))
    }
}
