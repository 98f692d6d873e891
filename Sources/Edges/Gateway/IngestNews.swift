package import Media

/// What a frame publisher has for the gateway to know, collected until the gateway takes it.
///
/// However fast a publisher changes its mind, there is one of these: what is newer replaces what is older.
package struct IngestNews: Sendable {
    /// Codec, and picture size of video.
    package struct Track: Sendable, Equatable {
        package var description: TrackDescription
        package var width: Int?
        package var height: Int?

        package init(description: TrackDescription, width: Int? = nil, height: Int? = nil) {
            self.description = description
            self.width = width
            self.height = height
        }
    }

    /// The tracks from now on; the publisher waits for ``FrameIngest/ready(_:)``.
    package var announcement: [Track]?
    /// The same tracks, of which something has changed that viewers need not join anew for.
    package var change: [Track]?
    /// Whether browsers can no longer play the video, or can again.
    package var isReordered: Bool?
    /// At most ``LiveStream/maximumWarnings``, each code once.
    package private(set) var warnings: [IngestWarning] = []
    package var isFinished = false

    package init() {}

    mutating func add(_ warning: IngestWarning) {
        warnings.removeAll { $0.code == warning.code }
        if warnings.count < LiveStream.maximumWarnings { warnings.append(warning) }
    }
}
