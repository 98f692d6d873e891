/// The playlist that lists the segments of one form of a stream (RFC 8216bis §4.4.3 to §4.4.5).
package struct MediaPlaylist: Hashable, Sendable {
    /// Some bytes of a resource (§4.4.4.2).
    package struct ByteRange: Hashable, Sendable {
        package var length: UInt64
        /// `nil`: after the bytes before.
        package var offset: UInt64?
    }

    /// `EXT-X-PART` (§4.4.4.9).
    package struct Part: Hashable, Sendable {
        package var uri: String
        /// Seconds.
        package var duration: Double
        package var isIndependent = false
        package var isGap = false
        package var range: ByteRange?
    }

    /// `EXT-X-MAP` (§4.4.4.5).
    package struct Map: Hashable, Sendable {
        package var uri: String
        package var range: ByteRange?
    }

    /// What a segment's tags say; of the one still being made only parts are there.
    package struct Segment: Hashable, Sendable {
        /// `nil` for the one still being made.
        package var uri: String?
        /// `EXTINF` in seconds; 0 for the one still being made.
        package var duration = 0.0
        package var isDiscontinuous = false
        package var isGap = false
        /// Seconds since 1970.
        package var date: Double?
        package var map: Map?
        package var range: ByteRange?
        package var parts: [Part] = []
    }

    /// `EXT-X-SERVER-CONTROL` (§4.4.3.8); times are seconds.
    package struct ServerControl: Hashable, Sendable {
        package var canSkipUntil: Double?
        package var holdBack: Double?
        package var partHoldBack: Double?
        package var canBlockReload = false
    }

    /// `EXT-X-PRELOAD-HINT` (§4.4.5.3).
    package struct PreloadHint: Hashable, Sendable {
        /// `PART` or `MAP`.
        package var type: String
        package var uri: String
        package var start: UInt64?
        package var length: UInt64?
    }

    /// `EXT-X-RENDITION-REPORT` (§4.4.5.4).
    package struct RenditionReport: Hashable, Sendable {
        package var uri: String
        package var lastSequence: UInt64?
        package var lastPart: UInt64?
    }

    package var version: UInt64 = 1
    /// Seconds.
    package var targetDuration: UInt64 = 0
    package var mediaSequence: UInt64 = 0
    package var discontinuitySequence: UInt64 = 0
    package var isIndependent = false
    package var hasEnded = false
    /// `PART-TARGET` in seconds.
    package var partTarget: Double?
    package var control: ServerControl?
    /// How many segments a delta update leaves out; `nil` in a full playlist (§4.4.5.2).
    package var skipped: UInt64?
    /// Those that follow what was skipped, and last, if it has parts, the one still being made.
    package var segments: [Segment] = []
    package var hints: [PreloadHint] = []
    package var reports: [RenditionReport] = []

    /// The segments that are complete.
    package var complete: ArraySlice<Segment> { segments.last?.uri == nil ? segments.dropLast() : segments[...] }
    /// The parts of the segment still being made.
    package var open: [Part] { segments.last.flatMap { $0.uri == nil ? $0.parts : nil } ?? [] }
    /// The sequence number of the first of ``segments``; at most 2^64 - 1.
    package var firstSequence: UInt64 { mediaSequence.addingReportingOverflow(skipped ?? 0).partialValue }
    /// The sequence number of the segment that comes next or is being made.
    package var nextSequence: UInt64 { firstSequence.addingReportingOverflow(UInt64(complete.count)).partialValue }
}
