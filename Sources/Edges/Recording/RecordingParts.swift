import ISOBMFF

/// A file in parts that can be played from their beginning, as a playlist of byte ranges lists them (RFC 8216 §4.3.2.2).
package struct RecordingParts: Sendable {
    /// Bytes of the head.
    var headerSize: Int64
    var index: RandomAccessIndex
    var timescale: UInt32
    /// Bytes up to the end of the last fragment.
    var end: Int64
    /// Seconds up to there.
    var seconds: Double
    var isComplete: Bool

    init(headerSize: Int64, trackIdentifier: UInt32, timescale: UInt32) {
        self.headerSize = headerSize
        index = RandomAccessIndex(trackIdentifier: trackIdentifier)
        self.timescale = timescale
        end = headerSize
        seconds = 0
        isComplete = false
    }

    init(_ contents: RecordingReader.Contents) {
        headerSize = contents.headerSize
        index = contents.index
        timescale = contents.movie.leading?.timescale ?? 1
        end = contents.end
        seconds = contents.seconds
        isComplete = true
    }

    /// A playlist of the parts.
    ///
    /// Complete for a file that is; otherwise players ask again for what has been added.
    ///
    /// - Parameters:
    ///   - media: The address of the file, relative to the playlist's.
    ///   - start: The wall clock at the first frame, in milliseconds since 1970.
    /// - Returns: The text of the playlist.
    package func playlist(media: String, startingAt start: Int64) -> String {
        var lines: [String] = []
        var longest = 1.0
        for (position, entry) in index.entries.enumerated() {
            let isLast = position + 1 == index.entries.count
            let next = isLast ? nil : index.entries[position + 1]
            let time = Double(entry.time) / Double(timescale)
            let length = max((next.map { Double($0.time) / Double(timescale) } ?? seconds) - time, 0.001)
            longest = max(longest, length)
            let milliseconds = start &+ Int64(time * 1_000)
            lines.append("#EXT-X-PROGRAM-DATE-TIME:\(Self.dateTime(milliseconds))")
            lines.append("#EXTINF:\(Self.decimal(length)),")
            let size = (next.map { Int64($0.offset) } ?? end) - Int64(entry.offset)
            lines.append("#EXT-X-BYTERANGE:\(size)@\(entry.offset)")
            lines.append(media)
        }
        let head = [
            "#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:\(Int(longest.rounded(.up)))",
            "#EXT-X-PLAYLIST-TYPE:\(isComplete ? "VOD" : "EVENT")", "#EXT-X-INDEPENDENT-SEGMENTS",
            "#EXT-X-MAP:URI=\"\(media)\",BYTERANGE=\"\(headerSize)@0\"",
        ]
        return (head + lines + (isComplete ? ["#EXT-X-ENDLIST"] : [])).map { $0 + "\n" }.joined()
    }

    /// Three decimals, without an exponent.
    private static func decimal(_ seconds: Double) -> String {
        let thousandths = Int64((min(seconds, 1e9) * 1_000).rounded())
        let rest = String(thousandths % 1_000)
        return "\(thousandths / 1_000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }

    /// `2026-01-31T12:00:00.123Z`.
    package static func dateTime(_ milliseconds: Int64) -> String {
        let text = Array(RecordingTime.text(milliseconds))
        func part(_ range: Range<Int>) -> String { String(text[range]) }
        return "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(9..<11)):\(part(11..<13)):\(part(13..<15))"
            + ".\(part(15..<18))Z"
    }
}
