package import Primitives

/// How a stream is cut up, and how much of it is kept.
package struct PresentationConfiguration: Hashable, Sendable {
    /// What parts last, where the frame rate allows (`hls.part_duration`).
    package var partDuration: Interval
    /// What segments last at least; they end at the next key frame (`hls.segment_duration`).
    package var segmentDuration: Interval
    /// How much of the past is listed, if that is more than ten target durations (`hls.window`).
    package var window: Interval
    /// Bytes of media kept for one stream, those past the window included.
    ///
    /// Where this is less than the window holds, the window is shorter. The newest segment always stays.
    package var maximumBytes: Int

    /// The first segment, and so the target duration, is at most so many times ``segmentDuration``: where key frames are
    /// further apart, segments begin without one.
    package static let longestSegment = 3.0
    /// A part larger than this is ended early.
    package static let maximumPartBytes = 8 << 20

    package init(
        partDuration: Interval = .milliseconds(500),
        segmentDuration: Interval = .seconds(2),
        window: Interval = .seconds(60),
        maximumBytes: Int = 128 << 20
    ) {
        self.partDuration = partDuration
        self.segmentDuration = segmentDuration
        self.window = window
        self.maximumBytes = maximumBytes
    }
}
