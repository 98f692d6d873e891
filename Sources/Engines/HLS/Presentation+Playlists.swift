import ISOBMFF
import Media
import Primitives

/// Playlists (RFC 8216bis §4).
extension Presentation {
    func mediaPlaylist(_ rendition: Rendition, skips: Bool) -> String {
        let target = targetDuration ?? 1
        let hold = PlaylistText.decimal(partTarget * 3, digits: 3, roundedUp: true)
        var lines = [
            "#EXTM3U", "#EXT-X-VERSION:9", "#EXT-X-TARGETDURATION:\(target)",
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=\(6 * target),HOLD-BACK=\(3 * target),"
                + "PART-HOLD-BACK=\(hold)",
            "#EXT-X-PART-INF:PART-TARGET=\(PlaylistText.decimal(partTarget, digits: 3, roundedUp: true))",
            "#EXT-X-MEDIA-SEQUENCE:\((rendition.segments.first ?? rendition.current).number)",
            "#EXT-X-DISCONTINUITY-SEQUENCE:\(rendition.removedDiscontinuities)",
        ]
        if (rendition.segments + [rendition.current]).allSatisfy(\.isIndependent) {
            lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
        }
        let skipped = skips ? skippableCount(rendition) : 0
        if skipped > 0 { lines.append("#EXT-X-SKIP:SKIPPED-SEGMENTS=\(skipped)") }
        appendSegments(of: rendition, skipped: skipped, to: &lines)
        if isClosed {
            lines.append("#EXT-X-ENDLIST")
        } else {
            appendEdge(of: rendition, to: &lines)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Segments further from the end than CAN-SKIP-UNTIL (§6.2.5.1).
    private func skippableCount(_ rendition: Rendition) -> Int {
        var distance = rendition.current.duration
        var kept = 0
        for segment in rendition.segments.reversed() {
            guard distance < Double(6 * (targetDuration ?? 1)) else { break }
            distance += segment.duration
            kept += 1
        }
        return rendition.segments.count - kept
    }

    private func appendSegments(of rendition: Rendition, skipped: Int, to lines: inout [String]) {
        // Parts are listed for the last three target durations (§4.4.4.9).
        var remaining = rendition.segments.reduce(rendition.current.duration) { $0 + $1.duration }
        let partsBelow = Double(3 * (targetDuration ?? 1))
        var map: (UInt64, Int)?
        for (index, segment) in rendition.segments.enumerated() {
            if index >= skipped {
                appendHeader(of: segment, rendition.name, map: &map, to: &lines)
                // The first segment was not cut into parts, and where pictures are missing they do not add up to theirs.
                let isCut =
                    segment.parts.allSatisfy { $0.duration <= partTarget + 1e-6 }
                    && segment.parts.reduce(-segment.duration) { $0 + $1.duration } > -0.05
                if isCut, remaining <= partsBelow + segment.duration {
                    appendParts(of: segment, rendition.name, to: &lines)
                }
                if segment.isGap { lines.append("#EXT-X-GAP") }
                let name = ResourceName.segment(rendition.name, epoch: segment.epoch, number: segment.number)
                lines.append("#EXTINF:\(PlaylistText.decimal(segment.duration)),")
                lines.append(name.text)
            } else {
                // The client keeps what it knows of skipped segments, their map too.
                map = (segment.mapEpoch, segment.mapNumber)
            }
            remaining -= segment.duration
        }
        guard !isClosed, !rendition.current.parts.isEmpty else { return }
        appendHeader(of: rendition.current, rendition.name, map: &map, to: &lines)
        appendParts(of: rendition.current, rendition.name, to: &lines)
    }

    private func appendHeader(
        of segment: PresentationSegment, _ rendition: RenditionName, map: inout (UInt64, Int)?, to lines: inout [String]
    ) {
        if segment.beginsDiscontinuity { lines.append("#EXT-X-DISCONTINUITY") }
        if map.map({ $0 != (segment.mapEpoch, segment.mapNumber) }) ?? true {
            map = (segment.mapEpoch, segment.mapNumber)
            let name = ResourceName.map(rendition, epoch: segment.mapEpoch, number: segment.mapNumber)
            lines.append("#EXT-X-MAP:URI=\"\(name.text)\"")
        }
        if let captured = segment.captured {
            lines.append("#EXT-X-PROGRAM-DATE-TIME:\(PlaylistText.dateTime(unixNanoseconds: captured))")
        }
    }

    private func appendParts(
        of segment: PresentationSegment, _ rendition: RenditionName, to lines: inout [String]
    ) {
        for (index, part) in segment.parts.enumerated() {
            let name = ResourceName.part(rendition, epoch: segment.epoch, number: segment.number, index: index)
            let independent = part.isIndependent ? ",INDEPENDENT=YES" : ""
            lines.append(
                "#EXT-X-PART:DURATION=\(PlaylistText.decimal(part.duration)),URI=\"\(name.text)\"\(independent)")
        }
    }

    /// What comes next here, and how far the other renditions are.
    private func appendEdge(of rendition: Rendition, to lines: inout [String]) {
        if leader != nil, rendition.track != nil {
            let (number, index) = rendition.nextPart
            let next = ResourceName.part(rendition.name, epoch: rendition.current.epoch, number: number, index: index)
            lines.append("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"\(next.text)\"")
        }
        for other in allRenditions where other.name != rendition.name {
            let (number, parts) = other.nextPart
            let last = parts > 0 ? (number, parts - 1) : (number - 1, (other.segments.last?.parts.count ?? 1) - 1)
            let part = last.1 >= 0 ? ",LAST-PART=\(last.1)" : ""
            lines.append(
                "#EXT-X-RENDITION-REPORT:URI=\"\(ResourceName.media(other.name).text)\",LAST-MSN=\(last.0)\(part)")
        }
    }

    // MARK: Multivariant playlist

    func multivariantPlaylist() -> String {
        var lines = ["#EXTM3U", "#EXT-X-VERSION:9"]
        let video = renditions[.video].flatMap { $0.track == nil ? nil : $0 }
        let audio = renditions[.audio].flatMap { $0.track == nil ? nil : $0 }
        if video != nil, let audio, let track = audio.track {
            lines.append(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Audio\",DEFAULT=YES,AUTOSELECT=YES,"
                    + "CHANNELS=\"\(track.channels)\",URI=\"\(ResourceName.media(.audio).text)\"")
        }
        if let leading = video ?? audio {
            lines += variant(leading, with: video == nil ? nil : audio)
            for rung in video.map(listedRungs) ?? [] { lines += variant(rung, of: leading, with: audio) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The publisher's picture, or its sound where there is no picture.
    private func variant(_ leading: Rendition, with audio: Rendition?) -> [String] {
        stream(
            leading.name, leading.track, rate: bandwidth(leading), frameRate: frameRate(leading), with: audio,
            expected: expectedBitrate([leading, audio].compactMap { $0 }))
    }

    /// A smaller size; measured once there is something to measure.
    private func variant(_ rung: LadderRung, of leading: Rendition, with audio: Rendition?) -> [String] {
        guard let track = rung.track else { return [] }
        guard let rendition = rung.rendition, rung.isReady else {
            // A layer of which nothing has come but its parameters takes its share of the picture, by its size.
            let share =
                Double(track.width * track.height) / Double(max(1, leading.track.map { $0.width * $0.height } ?? 1))
            let rate = rung.expectedBitrate ?? bandwidth(leading).average * share
            return stream(rung.name, track, rate: (rate, rate), frameRate: frameRate(leading), with: audio)
        }
        return stream(rung.name, track, rate: bandwidth(rendition), frameRate: frameRate(rendition), with: audio)
    }

    private func stream(
        _ name: RenditionName, _ track: MovieTrack?, rate: (peak: Double, average: Double), frameRate: Double?,
        with audio: Rendition?, expected: Double = 0
    ) -> [String] {
        let sound: (peak: Double, average: Double) = audio.map(bandwidth) ?? (0, 0)
        // Some room, because the next segment may be larger than all so far (§4.4.6.2).
        let peak = Int(max(rate.peak + sound.peak, expected) * 1.1) + 1
        let average = Int(rate.average + sound.average) + 1
        let codecs = [track, audio?.track].compactMap { $0?.codecsParameter }.joined(separator: ",")
        var attributes = "BANDWIDTH=\(peak),AVERAGE-BANDWIDTH=\(average),CODECS=\"\(codecs)\""
        if let track, track.kind == .video {
            attributes += ",RESOLUTION=\(track.width)x\(track.height)"
            if let frameRate { attributes += ",FRAME-RATE=\(PlaylistText.decimal(frameRate, digits: 3))" }
            if audio != nil { attributes += ",AUDIO=\"audio\"" }
        }
        return ["#EXT-X-STREAM-INF:" + attributes, ResourceName.media(name).text]
    }

    /// Bits per second of the largest segment in the window, and of all of them.
    func bandwidth(_ rendition: Rendition) -> (peak: Double, average: Double) {
        var peak = 0.0
        var (bytes, seconds) = (0, 0.0)
        let target = Double(targetDuration ?? 1)
        for segment in rendition.segments where !segment.isGap && segment.duration > 0 {
            bytes += segment.byteCount
            seconds += segment.duration
            // The peak is over 0.5 to 1.5 target durations; short last segments do not count.
            if segment.duration >= target / 2 || rendition.segments.count == 1 {
                peak = max(peak, Double(segment.byteCount) * 8 / segment.duration)
            }
        }
        if !isMeasured(rendition) {
            // The segment in the making may show more already than all before it.
            for part in rendition.current.parts where part.duration >= 0.85 * partTarget {
                peak = max(peak, Double(part.bytes.count) * 8 / part.duration)
            }
        }
        let average = seconds > 0 ? Double(bytes) * 8 / seconds : 0
        return (max(peak, average), average)
    }

    /// Segments of a publisher after which they say enough about those to come.
    private static var measuredSegments: Int { 3 }

    private func isMeasured(_ rendition: Rendition) -> Bool {
        rendition.segments.suffix(Self.measuredSegments)
            .count { $0.epoch == rendition.current.epoch && !$0.isGap } >= Self.measuredSegments
    }

    /// Bits per second that the publisher says it sends, as long as little of it has come; 0 otherwise.
    ///
    /// A stream often begins with a still or a dark picture, and players take the first `BANDWIDTH` for the bound that
    /// §4.4.6.2 has it be.
    private func expectedBitrate(_ shown: [Rendition]) -> Double {
        guard let declared = epoch?.declaredBitrate, !shown.allSatisfy(isMeasured) else { return 0 }
        return Double(declared)
    }

    private func frameRate(_ rendition: Rendition) -> Double? {
        let (frames, seconds) = rendition.segments.suffix(10).filter { !$0.isGap }.reduce((0, 0.0)) {
            ($0.0 + $1.frameCount, $0.1 + $1.duration)
        }
        return seconds > 0 && frames > 0 ? Double(frames) / seconds : nil
    }
}
