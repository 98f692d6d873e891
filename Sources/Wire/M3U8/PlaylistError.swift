/// Why bytes are not the playlist that they claim to be (RFC 8216bis §4.1).
package enum PlaylistError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Not UTF-8, or with a byte order mark or control characters in it.
    case notText
    /// The first line is not `#EXTM3U`.
    case noHeader
    /// More than ``PlaylistLimits`` allows.
    case tooLarge
    /// The tag on this line (from 1) has a value of another form than it should.
    case malformed(tag: String, line: Int)
    /// The tag on this line lacks an attribute that it must have.
    case missing(attribute: String, tag: String, line: Int)
    /// A segment without the duration that stands before it.
    case noDuration(line: Int)
    /// Tags of multivariant and of media playlists in one file.
    case mixed

    package var description: String {
        switch self {
        case .notText: "not plain UTF-8"
        case .noHeader: "does not begin with #EXTM3U"
        case .tooLarge: "too large"
        case .malformed(let tag, let line): "line \(line): malformed \(tag)"
        case .missing(let attribute, let tag, let line): "line \(line): \(tag) without \(attribute)"
        case .noDuration(let line): "line \(line): a segment without EXTINF"
        case .mixed: "a multivariant and a media playlist in one"
        }
    }
}

/// How much of a playlist is read.
package enum PlaylistLimits {
    /// A window of hours has some tens of thousands of lines.
    package static let maximumSize = 4 << 20
    package static let maximumLines = 100_000
    package static let maximumAttributes = 64
}
