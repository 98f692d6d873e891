import M3U8

/// Holds the versions of one media playlist against the rules, and against each other.
struct MediaPlaylistJudge: Sendable {
    /// A segment that an earlier version had.
    private struct Known: Equatable {
        var uri: String
        var duration: Double
        var isDiscontinuous: Bool
    }

    /// More than any window needs; older segments are forgotten.
    static let maximumKnown = 20_000
    /// Durations are written with few digits.
    static let tolerance = 0.0015
    static let dateTolerance = 0.05

    /// The newest version, with what a delta update skipped put back.
    private(set) var full: MediaPlaylist?
    private var known: [UInt64: Known] = [:]
    private var changedAt = 0.0
    /// The segment that an earlier version should have hinted at, where it had none in the making.
    private var unhinted: UInt64?

    private static let noHint = "no hint of a part"

    /// How far a playlist goes.
    struct Edge: Equatable {
        /// Of the segment being made, or of the next one where none is.
        var sequence: UInt64
        var parts: Int

        /// Whether it has part `part` of segment `sequence`, or the whole segment where `part` is `nil`.
        func reaches(_ sequence: UInt64, part: Int?) -> Bool {
            self.sequence > sequence || (self.sequence == sequence && part.map { parts > $0 } ?? false)
        }
    }

    static func edge(_ playlist: MediaPlaylist) -> Edge {
        Edge(sequence: playlist.nextSequence, parts: playlist.open.count)
    }

    /// Judges a version.
    ///
    /// - Parameters:
    ///   - version: As it came.
    ///   - now: When it came, in seconds of any clock that only goes forward.
    ///   - ledger: Where to note what was seen.
    /// - Returns: Whether it could be put together, and is ``full`` now.
    mutating func take(_ version: MediaPlaylist, at now: Double, _ ledger: inout PlaylistLedger) -> Bool {
        var playlist = version
        if let skipped = version.skipped {
            let isConsistent = restore(&playlist, skipped)
            ledger.note(.delta, isConsistent, "skips \(skipped) segments from \(version.mediaSequence) on")
            guard isConsistent else { return false }
            judgeMissingHint(playlist, &ledger)
        } else {
            judgeMissingHint(version, &ledger)
            judgeHead(version, &ledger)
        }
        judgeSegments(playlist, &ledger)
        judgeParts(playlist, &ledger)
        if let before = full { judgeChange(from: before, to: playlist, at: now, &ledger) } else { changedAt = now }
        remember(playlist)
        full = playlist
        return true
    }

    /// Puts back what was skipped, if it was known.
    private func restore(_ playlist: inout MediaPlaylist, _ skipped: UInt64) -> Bool {
        guard let full, skipped <= UInt64(full.complete.count), playlist.mediaSequence >= full.mediaSequence else {
            return false
        }
        let removed = playlist.mediaSequence - full.mediaSequence
        guard removed + skipped <= UInt64(full.complete.count) else { return false }
        let restored = full.complete.dropFirst(Int(removed)).prefix(Int(skipped))
        let map = restored.last?.map
        playlist.segments =
            restored
            + playlist.segments.map { segment in
                var segment = segment
                segment.map = segment.map ?? map
                return segment
            }
        playlist.skipped = nil
        return true
    }

    // MARK: One version

    private mutating func judgeHead(_ playlist: MediaPlaylist, _ ledger: inout PlaylistLedger) {
        let needs: UInt64 = playlist.segments.contains { $0.map != nil } ? 6 : 3
        ledger.note(.version, playlist.version >= needs, "\(playlist.version), and \(needs) is needed")
        let target = Double(playlist.targetDuration)
        if let holdBack = playlist.control?.holdBack {
            ledger.note(.holdBack, holdBack >= 3 * target - Self.tolerance, "\(holdBack) s, target \(target) s")
        }
        if let skip = playlist.control?.canSkipUntil {
            ledger.note(.deltaBoundary, skip >= 6 * target - Self.tolerance, "\(skip) s, target \(target) s")
        }
        guard let partTarget = playlist.partTarget else { return }
        let back = playlist.control?.partHoldBack
        ledger.note(.control, back != nil, back.map { "PART-HOLD-BACK=\($0)" } ?? "no PART-HOLD-BACK")
        if let back {
            ledger.note(.partHoldBack, back >= 2 * partTarget - Self.tolerance, "\(back) s, parts of \(partTarget) s")
            ledger.note(
                .partHoldBackAdvice, back >= 3 * partTarget - Self.tolerance, "\(back) s, parts of \(partTarget) s")
        }
        guard !playlist.hasEnded else { return }
        let hints = playlist.hints.filter { $0.type == "PART" }
        if let hint = hints.first {
            ledger.note(.hint, true, hint.uri)
        } else if playlist.open.isEmpty {
            unhinted = playlist.nextSequence
        } else {
            ledger.note(.hint, false, Self.noHint)
        }
    }

    /// While a publisher is away nobody can know what will come next: that shows by the discontinuity it begins with.
    private mutating func judgeMissingHint(_ playlist: MediaPlaylist, _ ledger: inout PlaylistLedger) {
        guard let sequence = unhinted, sequence >= playlist.firstSequence,
            sequence - playlist.firstSequence < UInt64(playlist.segments.count)
        else { return }
        unhinted = nil
        let segment = playlist.segments[Int(sequence - playlist.firstSequence)]
        if !segment.isDiscontinuous { ledger.note(.hint, false, Self.noHint) }
    }

    private func judgeSegments(_ playlist: MediaPlaylist, _ ledger: inout PlaylistLedger) {
        let target = Double(playlist.targetDuration)
        for segment in playlist.complete {
            ledger.note(
                .targetDuration, segment.duration.rounded() <= target, "\(segment.duration) s, target \(target) s")
            let isFragmented = !(segment.uri ?? "").prefix { $0 != "?" }.hasSuffix(".ts")
            if isFragmented {
                ledger.note(.map, segment.map != nil, segment.map?.uri ?? "\(segment.uri ?? "") has none")
            }
        }
        if let first = playlist.complete.first {
            ledger.note(.date, first.date != nil, first.date == nil ? "none" : "there")
        }
        for (segment, next) in zip(playlist.complete, playlist.complete.dropFirst()) where !next.isDiscontinuous {
            guard let date = segment.date, let following = next.date else { continue }
            let drift = following - date - segment.duration
            ledger.note(.dateDrift, abs(drift) <= Self.dateTolerance, "\(Self.milliseconds(drift)) off")
        }
    }

    private func judgeParts(_ playlist: MediaPlaylist, _ ledger: inout PlaylistLedger) {
        guard let target = playlist.partTarget else { return }
        for segment in playlist.segments {
            for (index, part) in segment.parts.enumerated() {
                ledger.note(
                    .partTarget, part.duration <= target + Self.tolerance, "\(part.duration) s, target \(target) s")
                // The last part so far may still turn out to be the last of its segment.
                guard index < segment.parts.count - 1 else { continue }
                ledger.note(
                    .partLeast, part.duration >= 0.85 * target - Self.tolerance,
                    "\(part.duration) s, target \(target) s")
            }
            guard segment.uri != nil, !segment.parts.isEmpty, full != nil else { continue }
            let sum = segment.parts.reduce(0) { $0 + $1.duration }
            let allowed = Self.tolerance * Double(segment.parts.count + 1)
            ledger.note(.partSum, abs(sum - segment.duration) <= allowed, "\(sum) s in \(segment.duration) s")
        }
    }

    // MARK: Two versions

    private mutating func judgeChange(
        from before: MediaPlaylist, to after: MediaPlaylist, at now: Double, _ ledger: inout PlaylistLedger
    ) {
        let isSame = before.targetDuration == after.targetDuration && before.partTarget == after.partTarget
        ledger.note(
            .constant, isSame, "\(after.targetDuration) s, parts of \(after.partTarget.map { "\($0)" } ?? "no") s")
        if before.hasEnded {
            ledger.note(.ended, before == after, before == after ? "the same" : "changed")
            return
        }
        judgeSequence(before, after, &ledger)
        let target = Double(after.targetDuration)
        if Self.edge(before) != Self.edge(after) {
            ledger.note(.freshness, now - changedAt <= 1.5 * target, "after \(Self.milliseconds(now - changedAt))")
            changedAt = now
        } else if !after.hasEnded, now - changedAt > 1.5 * target {
            ledger.note(.freshness, false, "nothing new for \(Self.milliseconds(now - changedAt))")
        }
        guard after.mediaSequence > before.mediaSequence else { return }
        let window = after.complete.reduce(0) { $0 + $1.duration }
        ledger.note(.window, window >= 3 * target - Self.tolerance, "\(window) s remain, target \(target) s")
        // §6.2.2: only what is removed counts.
        let removed = (before.mediaSequence..<after.mediaSequence).prefix(Self.maximumKnown)
        guard removed.allSatisfy({ known[$0] != nil }) else { return }
        let count = UInt64(removed.count { known[$0]?.isDiscontinuous == true })
        let expected = before.discontinuitySequence.addingReportingOverflow(count).partialValue
        // Whether the tag at the head of the window counts already, or when its segment goes, is read both ways.
        let head = after.complete.first?.isDiscontinuous == true ? 1 : 0 as UInt64
        let isRight = after.discontinuitySequence == expected || after.discontinuitySequence == expected &+ head
        ledger.note(.discontinuity, isRight, "\(after.discontinuitySequence), expected \(expected)")
    }

    private func judgeSequence(_ before: MediaPlaylist, _ after: MediaPlaylist, _ ledger: inout PlaylistLedger) {
        guard after.mediaSequence >= before.mediaSequence, after.nextSequence >= before.nextSequence else {
            let seen =
                "\(before.mediaSequence) to \(before.nextSequence), then \(after.mediaSequence) to \(after.nextSequence)"
            ledger.note(.sequence, false, seen)
            return
        }
        for (index, segment) in after.complete.enumerated() {
            guard let earlier = known[after.firstSequence &+ UInt64(index)] else { continue }
            let isSame = earlier.uri == segment.uri && abs(earlier.duration - segment.duration) < Self.tolerance
            ledger.note(.sequence, isSame, "\(after.firstSequence &+ UInt64(index)) is \(segment.uri ?? "")")
        }
    }

    private mutating func remember(_ playlist: MediaPlaylist) {
        if known.count > Self.maximumKnown { known = known.filter { $0.key >= playlist.mediaSequence } }
        for (index, segment) in playlist.complete.prefix(Self.maximumKnown).enumerated() {
            known[playlist.firstSequence &+ UInt64(index)] = Known(
                uri: segment.uri ?? "", duration: segment.duration, isDiscontinuous: segment.isDiscontinuous)
        }
    }

    private static func milliseconds(_ seconds: Double) -> String {
        "\(Int((min(max(seconds, -1e6), 1e6) * 1000).rounded())) ms"
    }
}
