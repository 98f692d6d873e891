import Foundation
import M3U8

/// One media playlist that a run follows, and what of its media has been fetched.
package struct PlaylistTrack: Sendable {
    /// The parts of one segment, as far as they were fetched in order.
    struct Collected: Sendable {
        var bytes: [UInt8] = []
        var parts = 0
        /// Whether a part could not be fetched, so that nothing can be said about the segment.
        var isSpoiled = false
    }

    /// What a rendition report of another playlist said about this one.
    struct Reported: Sendable {
        var sequence: UInt64
    }

    let url: URL
    /// Bits per second that the variant allows; `nil` without a multivariant playlist.
    let bandwidth: UInt64?
    var judge = MediaPlaylistJudge()
    var reloads = 0
    var reported: Reported?
    var collected: [UInt64: Collected] = [:]
    /// From which segment on media are fetched.
    var firstFetched: UInt64?
    /// The initialization segments that were read, with the defaults of their tracks.
    var maps: [String: [UInt32: FragmentFacts.Defaults]] = [:]
    /// Where the next fragment of each track should begin.
    var expected: [UInt32: UInt64] = [:]

    /// What a report calls it.
    var name: String { url.lastPathComponent }

    init(url: URL, bandwidth: UInt64?) {
        self.url = url
        self.bandwidth = bandwidth
    }

    /// Judges the times of a fragment; those of its tracks go on from the one before unless `isNew`.
    mutating func judgeTimes(_ facts: FragmentFacts, isNew: Bool, _ ledger: inout PlaylistLedger) {
        if isNew { expected = [:] }
        for run in facts.runs {
            if let expected = expected[run.track] {
                let distance = run.start > expected ? run.start - expected : expected - run.start
                // Time scales round; a tenth of a fragment is no rounding.
                let isContinuous = distance <= max(1, run.duration / 10)
                ledger.note(.timeline, isContinuous, "track \(run.track): \(run.start), expected \(expected)")
            }
            guard expected.count < 64 else { continue }
            expected[run.track] = run.start.addingReportingOverflow(run.duration).partialValue
        }
    }
}
