/// How much of a peer's session description we hold.
///
/// The longest offers of today's browsers are about 8 kB, 250 lines a media section and 40 formats a line.
package enum SDPLimits {
    /// Bytes of the whole text.
    package static let maximumBytes = 65_536
    /// Lines of the whole text, empty ones included.
    package static let maximumLines = 4_096
    /// Bytes of one line, its end not counted.
    package static let maximumLineBytes = 8_192
    /// `m=` lines.
    package static let maximumMediaSections = 64
    /// Formats of one `m=` line; RTP has 128 payload types.
    package static let maximumFormats = 128
}
