extension MediaPlaylist {
    /// Reads a whole playlist; tags that it does not know are passed over (§6.3.1).
    package init(parsing bytes: Span<UInt8>) throws(PlaylistError) {
        var reader = Reader()
        for line in try PlaylistLines(bytes).lines { try reader.take(line) }
        self = try reader.finish()
    }

    /// What stands before a segment's address belongs to it.
    private struct Reader {
        var playlist = MediaPlaylist()
        var segment = Segment()
        var map: Map?
        var hasDuration = false
        var hasTarget = false

        mutating func take(_ line: PlaylistLines.Line) throws(PlaylistError) {
            let number = line.number
            switch line.content {
            case .address(let uri):
                guard hasDuration else { throw .noDuration(line: number) }
                segment.uri = uri
                segment.map = map
                playlist.segments.append(segment)
                segment = Segment()
                hasDuration = false
            case .tag(let name, let value):
                let tag = String(name.dropFirst())
                if try !takePlain(tag, value, number), try !takeSegment(tag, value, number) {
                    try takeListed(tag, value, number)
                }
            }
        }

        /// Tags of the whole playlist that have one value or none.
        mutating func takePlain(_ tag: String, _ value: Substring, _ line: Int) throws(PlaylistError) -> Bool {
            func integer() throws(PlaylistError) -> UInt64 {
                guard let number = Decimal.integer(value) else { throw .malformed(tag: tag, line: line) }
                return number
            }
            switch tag {
            case "EXT-X-VERSION": playlist.version = try integer()
            case "EXT-X-TARGETDURATION":
                playlist.targetDuration = try integer()
                hasTarget = true
            case "EXT-X-MEDIA-SEQUENCE": playlist.mediaSequence = try integer()
            case "EXT-X-DISCONTINUITY-SEQUENCE": playlist.discontinuitySequence = try integer()
            case "EXT-X-INDEPENDENT-SEGMENTS": playlist.isIndependent = true
            case "EXT-X-ENDLIST": playlist.hasEnded = true
            case "EXT-X-STREAM-INF", "EXT-X-MEDIA": throw .mixed
            default: return false
            }
            return true
        }

        /// Tags of the segment that follows.
        mutating func takeSegment(_ tag: String, _ value: Substring, _ line: Int) throws(PlaylistError) -> Bool {
            switch tag {
            case "EXTINF":
                guard let duration = Decimal.number(value.prefix { $0 != "," }) else {
                    throw .malformed(tag: tag, line: line)
                }
                segment.duration = duration
                hasDuration = true
            case "EXT-X-DISCONTINUITY": segment.isDiscontinuous = true
            case "EXT-X-GAP": segment.isGap = true
            case "EXT-X-BYTERANGE":
                guard let range = ByteRange(parsing: value) else { throw .malformed(tag: tag, line: line) }
                segment.range = range
            case "EXT-X-PROGRAM-DATE-TIME":
                guard let date = PlaylistDate.parse(value) else { throw .malformed(tag: tag, line: line) }
                segment.date = date
            default: return false
            }
            return true
        }

        /// Tags with a list of attributes.
        mutating func takeListed(_ tag: String, _ value: Substring, _ line: Int) throws(PlaylistError) {
            let known: Set<String> = [
                "EXT-X-MAP", "EXT-X-PART", "EXT-X-PART-INF", "EXT-X-SERVER-CONTROL", "EXT-X-SKIP", "EXT-X-PRELOAD-HINT",
                "EXT-X-RENDITION-REPORT",
            ]
            guard known.contains(tag) else { return }
            guard let list = AttributeList(parsing: value) else { throw .malformed(tag: tag, line: line) }
            func need<Value>(_ value: Value?, _ attribute: String) throws(PlaylistError) -> Value {
                guard let value else { throw .missing(attribute: attribute, tag: tag, line: line) }
                return value
            }
            func range() throws(PlaylistError) -> ByteRange? {
                guard let text = list.string("BYTERANGE") else { return nil }
                guard let range = ByteRange(parsing: text) else { throw .malformed(tag: tag, line: line) }
                return range
            }
            switch tag {
            case "EXT-X-MAP": map = Map(uri: try need(list.string("URI"), "URI"), range: try range())
            case "EXT-X-PART":
                segment.parts.append(
                    Part(
                        uri: try need(list.string("URI"), "URI"),
                        duration: try need(list.decimal("DURATION"), "DURATION"),
                        isIndependent: list.flag("INDEPENDENT"), isGap: list.flag("GAP"), range: try range()))
            case "EXT-X-PART-INF": playlist.partTarget = try need(list.decimal("PART-TARGET"), "PART-TARGET")
            case "EXT-X-SERVER-CONTROL":
                playlist.control = ServerControl(
                    canSkipUntil: list.decimal("CAN-SKIP-UNTIL"), holdBack: list.decimal("HOLD-BACK"),
                    partHoldBack: list.decimal("PART-HOLD-BACK"), canBlockReload: list.flag("CAN-BLOCK-RELOAD"))
            case "EXT-X-SKIP": playlist.skipped = try need(list.integer("SKIPPED-SEGMENTS"), "SKIPPED-SEGMENTS")
            case "EXT-X-PRELOAD-HINT":
                playlist.hints.append(
                    PreloadHint(
                        type: try need(list.word("TYPE"), "TYPE"), uri: try need(list.string("URI"), "URI"),
                        start: list.integer("BYTERANGE-START"), length: list.integer("BYTERANGE-LENGTH")))
            default:
                playlist.reports.append(
                    RenditionReport(
                        uri: try need(list.string("URI"), "URI"), lastSequence: list.integer("LAST-MSN"),
                        lastPart: list.integer("LAST-PART")))
            }
        }

        mutating func finish() throws(PlaylistError) -> MediaPlaylist {
            // §4.4.3.1: it must be there.
            guard hasTarget else { throw .missing(attribute: "a value", tag: "EXT-X-TARGETDURATION", line: 1) }
            if !segment.parts.isEmpty {
                segment.map = map
                playlist.segments.append(segment)
            }
            return playlist
        }
    }
}

extension MediaPlaylist.ByteRange {
    /// Reads `length` or `length@offset`.
    init?(parsing text: some StringProtocol) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false).map { Decimal.integer($0) }
        guard (1...2).contains(parts.count), let length = parts[0] else { return nil }
        if parts.count == 2, parts[1] == nil { return nil }
        self.init(length: length, offset: parts.count == 2 ? parts[1] : nil)
    }
}
