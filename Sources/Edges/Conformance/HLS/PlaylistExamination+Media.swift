import Foundation
import HTTPTypes
import M3U8
import Primitives

extension PlaylistExamination {
    /// A hinted part as it came before any playlist had it.
    struct HintedPart {
        var uri: String
        var response: ProbeResponse?
    }

    // MARK: Hints

    func fetchHint(_ playlist: MediaPlaylist, _ index: Int) async -> HintedPart? {
        guard let hint = playlist.hints.first(where: { $0.type == "PART" && $0.start == nil && $0.length == nil }),
            let url = Endpoint.resolve(hint.uri, from: tracks[index].url)
        else { return nil }
        return HintedPart(uri: hint.uri, response: await get(url))
    }

    func judge(_ hinted: HintedPart, _ playlist: MediaPlaylist, _ index: Int) async {
        guard !playlist.hasEnded, playlist.segments.suffix(2).allSatisfy({ !$0.isDiscontinuous }) else { return }
        let isThere = playlist.segments.contains { $0.parts.contains { $0.uri == hinted.uri } }
        ledger.note(.hintKept, isThere, hinted.uri)
        guard isThere, let url = Endpoint.resolve(hinted.uri, from: tracks[index].url) else { return }
        guard let early = hinted.response, early.isSuccess else {
            ledger.note(.hintBlocks, false, hinted.response.map { "\($0.status)" } ?? "no answer")
            return
        }
        guard let late = await get(url), late.isSuccess else { return }
        ledger.note(.hintBlocks, early.body == late.body, "\(early.body.count) bytes, then \(late.body.count)")
    }

    // MARK: Media

    /// Fetches the parts and segments that are new, and judges their bytes.
    func fetchMedia(_ playlist: MediaPlaylist, _ index: Int) async {
        let first = playlist.firstSequence
        // The newest whole segment to begin with: what is older was judged by its playlist.
        let from = tracks[index].firstFetched ?? max(first, playlist.nextSequence &- min(1, playlist.nextSequence))
        tracks[index].firstFetched = from
        for (offset, segment) in playlist.segments.enumerated() {
            let sequence = first &+ UInt64(offset)
            guard sequence >= from, !isStopped else { continue }
            await fetchMap(segment, index)
            await fetchParts(of: segment, sequence, index)
            guard segment.uri != nil else { continue }
            await fetchSegment(segment, index, tracks[index].collected.removeValue(forKey: sequence))
            tracks[index].firstFetched = sequence &+ 1
        }
        tracks[index].collected = tracks[index].collected.filter { $0.key >= first }
    }

    private func fetchMap(_ segment: MediaPlaylist.Segment, _ index: Int) async {
        guard let map = segment.map, map.range == nil, tracks[index].maps[map.uri] == nil,
            tracks[index].maps.count < 64,
            let url = Endpoint.resolve(map.uri, from: tracks[index].url), let response = await get(url)
        else { return }
        let facts = try? FragmentFacts(response.body.span)
        tracks[index].maps[map.uri] = facts?.defaults ?? [:]
        let types = facts?.types ?? []
        let isRight = response.isSuccess && types.first == "ftyp" && types.contains("moov")
        ledger.note(.initialization, isRight, "\(response.status): \(types.joined(separator: " "))")
    }

    private func fetchParts(of segment: MediaPlaylist.Segment, _ sequence: UInt64, _ index: Int) async {
        for (number, part) in segment.parts.enumerated() {
            var collected = tracks[index].collected[sequence] ?? PlaylistTrack.Collected()
            guard number >= collected.parts else { continue }
            collected.parts = number + 1
            let fetched = part.range == nil && !part.isGap ? await fetch(part.uri, index) : nil
            if let bytes = fetched {
                if !collected.isSpoiled { collected.bytes += bytes }
                judgeFragment(
                    bytes, segment, isFirst: number == 0, isIndependent: part.isIndependent, index)
            } else {
                collected.isSpoiled = true
            }
            tracks[index].collected[sequence] = collected
        }
    }

    private func fetchSegment(
        _ segment: MediaPlaylist.Segment, _ index: Int, _ collected: PlaylistTrack.Collected?
    ) async {
        guard let uri = segment.uri, segment.range == nil, !segment.isGap, let bytes = await fetch(uri, index) else {
            return
        }
        if let bandwidth = tracks[index].bandwidth, segment.duration > 0.5 {
            let rate = Double(bytes.count) * 8 / segment.duration
            ledger.note(.bandwidth, rate <= 1.1 * Double(bandwidth), "\(Int(rate)) bit/s, BANDWIDTH=\(bandwidth)")
        }
        if let collected, !collected.isSpoiled, collected.parts == segment.parts.count {
            ledger.note(
                .partContent, collected.bytes == bytes, "\(bytes.count) bytes, parts have \(collected.bytes.count)")
        } else if segment.parts.isEmpty {
            judgeFragment(bytes, segment, isFirst: true, isIndependent: false, index)
        }
    }

    private func judgeFragment(
        _ bytes: [UInt8], _ segment: MediaPlaylist.Segment, isFirst: Bool, isIndependent: Bool, _ index: Int
    ) {
        guard let map = segment.map, let defaults = tracks[index].maps[map.uri] else { return }
        guard let facts = try? FragmentFacts(bytes.span, known: defaults) else {
            ledger.note(.timeline, false, "boxes that are cut short")
            return
        }
        if isIndependent, let first = facts.runs.first {
            ledger.note(
                .partIndependent, first.beginsWithKeyFrame, first.beginsWithKeyFrame ? "it does" : "it does not")
        }
        tracks[index].judgeTimes(facts, isNew: isFirst && segment.isDiscontinuous, &ledger)
    }

    private func fetch(_ uri: String, _ index: Int) async -> [UInt8]? {
        guard let url = Endpoint.resolve(uri, from: tracks[index].url), let response = await get(url),
            response.isSuccess
        else { return nil }
        let type = response.mediaType ?? "no Content-Type"
        ledger.note(.segmentType, type.hasPrefix("video/") || type.hasPrefix("audio/"), type)
        let age = Self.maximumAge(response)
        ledger.note(.cacheSegment, (age ?? 0) > 0, response.fields[.cacheControl] ?? "no Cache-Control")
        return response.body
    }

    // MARK: What must be refused

    /// Asks for what is not there, and for a compressed playlist.
    func probe() async {
        guard let track = tracks.first, let playlist = track.judge.full else { return }
        ledger.subject = track.name
        if playlist.control?.canBlockReload == true, !playlist.hasEnded {
            let beyond = ["_HLS_msn=\(playlist.nextSequence &+ 10)"]
            if let response = await get(Self.directed(track.url, beyond)) {
                ledger.note(.reloadLimit, response.status == 400, "\(response.status)")
            }
            if let response = await get(Self.directed(track.url, ["_HLS_part=0"])) {
                ledger.note(.reloadPart, response.status == 400, "\(response.status)")
            }
        }
        if let uri = playlist.complete.last?.uri, let url = Endpoint.resolve(uri, from: track.url) {
            let missing = url.deletingLastPathComponent().appending(path: "missing-" + url.lastPathComponent)
            if let response = await get(missing) { ledger.note(.missing, response.status == 404, "\(response.status)") }
        }
        if let response = await get(track.url, [.acceptEncoding: "gzip"]), response.isSuccess {
            let encoding = response.fields[.contentEncoding]
            ledger.note(.gzip, encoding == "gzip", encoding ?? "not compressed")
        }
    }
}
