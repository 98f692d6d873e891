/// One line of a report on HLS: one thing that a server does or does not do.
///
/// The raw values are stable: scripts compare reports by them. What stands before the dot is the topic.
package enum PlaylistRow: String, CaseIterable, Hashable, Sendable {
    case multivariantType = "multivariant.type"
    case multivariant = "multivariant.syntax"
    case codecs = "multivariant.codecs"
    case resolution = "multivariant.resolution"
    case groups = "multivariant.groups"
    case bandwidth = "multivariant.bandwidth"

    case type = "media.type"
    case syntax = "media.syntax"
    case version = "media.version"
    case targetDuration = "media.target-duration"
    case constant = "media.constant"
    case map = "media.map"
    case sequence = "media.sequence"
    case discontinuity = "media.discontinuity-sequence"
    case window = "media.window"
    case freshness = "media.freshness"
    case date = "media.date"
    case dateDrift = "media.date-drift"
    case ended = "media.ended"

    case partTarget = "part.target"
    case partLeast = "part.least"
    case partSum = "part.sum"
    case partIndependent = "part.independent"
    case partContent = "part.content"

    case control = "control.offered"
    case holdBack = "control.hold-back"
    case partHoldBack = "control.part-hold-back"
    case partHoldBackAdvice = "control.part-hold-back-3"

    case reload = "reload.blocks"
    case reloadLimit = "reload.limit"
    case reloadPart = "reload.part-alone"
    case deltaBoundary = "delta.boundary"
    case delta = "delta.consistent"
    case hint = "hint.offered"
    case hintKept = "hint.kept"
    case hintBlocks = "hint.blocks"
    case reports = "report.offered"
    case reportAccurate = "report.accurate"

    case segmentType = "segment.type"
    case initialization = "segment.initialization"
    case timeline = "segment.timeline"
    case missing = "segment.missing"

    case cachePlaylist = "cache.playlist"
    case cacheSegment = "cache.segment"
    case gzip = "cache.gzip"
    case cors = "everywhere.cors"

    package var topic: Substring { rawValue.prefix { $0 != "." } }
}
