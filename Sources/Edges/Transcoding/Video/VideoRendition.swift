package import Media

/// In what form a stream's picture is encoded anew.
package struct VideoRendition: Hashable, Sendable {
    /// H.264 or VP8.
    package var codec: Codec
    /// Pixels of the shorter side at most; `nil` for the size that the publisher sends.
    package var height: Int?
    /// Bits per second; `nil` for what suits the size.
    package var bitrate: Int?

    package init(codec: Codec, height: Int? = nil, bitrate: Int? = nil) {
        self.codec = codec
        self.height = height
        self.bitrate = bitrate
    }
}
