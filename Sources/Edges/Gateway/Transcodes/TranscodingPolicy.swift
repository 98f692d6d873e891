package import Transcoding

/// What the gateway encodes anew, as configured.
package struct TranscodingPolicy: Sendable {
    /// Pictures that are encoded anew at the same time, over all streams; 0 for none.
    package var maximum: Int
    /// The sizes below the publisher's that viewers may have, the largest first; H.264.
    package var ladder: [VideoRendition]
    /// Which encoder of H.264 to use: a name of ``VideoEncoderBackend/h264``, or `auto`.
    package var encoder: String

    package init(maximum: Int = 2, ladder: [VideoRendition] = [], encoder: String = "auto") {
        self.maximum = maximum
        self.ladder = ladder.sorted { ($0.height ?? .max) > ($1.height ?? .max) }
        self.encoder = encoder
    }
}
