package import Media
import MediaIO

/// What can be seen of one of a publisher's tracks at one moment, without decoding it.
struct IngestReading: Equatable {
    var kind: MediaKind
    var codec: Codec
    /// Totals since the track began.
    var packets = 0
    var lost = 0
    var frames = 0
    var bytes = 0
    /// Frames so small that they can hardly have changed the picture; see ``MediaReport/Track/stillFrames``.
    var stillFrames = 0
    /// RFC 3550's interarrival jitter in seconds; `nil` where packets come over TCP.
    var jitter: Double?
    /// Seconds since something came; `nil` before the first.
    var silence: Double?
    /// Seconds from when the publisher's clock says that the newest frame was taken to its arrival, but for a constant that
    /// all tracks of a publisher share; `nil` where the publisher gives no clock.
    var lateness: Double?
    /// Seconds between the last two key frames.
    var keyFrameInterval: Double?
    /// Seconds since the last key frame.
    var keyFrameAge: Double?
    var answersKeyFrameRequests = false
    /// Whether it is known when the publisher took what it sends.
    var hasPublisherClock = true
    /// Bits per second that the publisher names for this track alone.
    var declaredBitrate: Int?
}

/// All tracks of a publisher at one moment.
struct IngestReadings: Equatable {
    var tracks: [IngestReading]
    /// Bits per second that the encoder says it sends in all; `nil` where it says nothing, or so of single tracks.
    var declaredBitrate: Int?
    /// How often timestamps could not follow from those before, since the publisher began.
    var clockJumps = 0
    /// What those who encode the picture anew have to say.
    var transcoding: [IngestWarning] = []
    /// Whether losses show: over TCP they are delays.
    var isDatagrams: Bool

    func first(_ kind: MediaKind) -> IngestReading? { tracks.first { $0.kind == kind } }
}

/// What a publisher of frames has sent so far, and how punctually.
package struct IngestFigures: Sendable, Equatable {
    package struct Track: Sendable, Equatable {
        package var codec: Codec
        package var frames = 0
        package var bytes = 0
        /// Nanoseconds that the newest frame came after its time, counted from how the first one came.
        package var lateness: Int64 = 0
    }

    package var tracks: [MediaKind: Track] = [:]
    /// Bits per second, by the encoder's own words.
    package var declaredBitrate: Int?
    /// How often its timestamps could not follow from those before.
    package var clockJumps = 0

    package init() {}
}
