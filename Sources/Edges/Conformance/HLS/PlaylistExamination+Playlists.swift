import Foundation
import HTTPTypes
import M3U8

extension PlaylistExamination {
    /// Fetches the first playlist and those that it names.
    func open() async {
        guard let response = await get(endpoint.url) else {
            ledger.note(.syntax, false, lastFailure?.description ?? "no answer")
            return
        }
        guard response.isSuccess else {
            ledger.note(
                .syntax, false, response.status == 401 ? "401: give a token with --token" : "\(response.status)")
            return
        }
        if let multivariant = readMultivariant(response) {
            await open(multivariant)
        } else if !ledger.hasFailed(.multivariant), let playlist = readMedia(response, from: endpoint.url) {
            ledger.skip(
                [.multivariantType, .multivariant, .codecs, .resolution, .groups, .bandwidth],
                "this is a media playlist")
            tracks.append(PlaylistTrack(url: endpoint.url, bandwidth: nil))
            ledger.subject = tracks[0].name
            await take(playlist, 0)
        }
    }

    private func readMultivariant(_ response: ProbeResponse) -> MultivariantPlaylist? {
        do throws(PlaylistError) {
            let playlist = try MultivariantPlaylist(parsing: response.body.span)
            guard !playlist.variants.isEmpty else { return nil }
            ledger.note(.multivariant, true, "\(playlist.variants.count) variants")
            ledger.note(
                .multivariantType, Self.isPlaylist(response, endpoint.url), response.mediaType ?? "no Content-Type")
            noteTransfer(response)
            return playlist
        } catch .mixed {
            return nil
        } catch {
            ledger.note(.multivariant, false, error.description)
            return nil
        }
    }

    private func open(_ playlist: MultivariantPlaylist) async {
        for variant in playlist.variants {
            ledger.note(.codecs, variant.codecs != nil, variant.codecs ?? "none")
            let hasPicture = variant.codecs.map(Self.hasPicture) ?? true
            if hasPicture {
                let isThere = variant.resolution != nil && variant.frameRate != nil
                ledger.note(.resolution, isThere, variant.resolution.map { "\($0[0])x\($0[1])" } ?? "no RESOLUTION")
            }
            if let audio = variant.audio {
                let isThere = playlist.renditions.contains { $0.type == "AUDIO" && $0.group == audio }
                ledger.note(.groups, isThere, "AUDIO=\(audio)")
            }
        }
        ledger.skip([.groups], "no variant names a group")
        ledger.skip([.resolution], "there is no picture")
        for named in Self.named(in: playlist).prefix(Self.maximumTracks) {
            guard let url = Endpoint.resolve(named.uri, from: endpoint.url) else {
                ledger.note(.syntax, false, "no address: \(named.uri)")
                continue
            }
            let track = PlaylistTrack(url: url, bandwidth: named.bandwidth)
            ledger.subject = track.name
            guard let playlist = await load(url) else { continue }
            tracks.append(track)
            await take(playlist, tracks.count - 1)
        }
    }

    /// Every variant, and every rendition of picture or sound, each address once.
    private static func named(in playlist: MultivariantPlaylist) -> [(uri: String, bandwidth: UInt64?)] {
        var named: [(uri: String, bandwidth: UInt64?)] = []
        for variant in playlist.variants where !named.contains(where: { $0.uri == variant.uri }) {
            named.append((variant.uri, variant.bandwidth))
        }
        for rendition in playlist.renditions where ["AUDIO", "VIDEO"].contains(rendition.type) {
            guard let uri = rendition.uri, !named.contains(where: { $0.uri == uri }) else { continue }
            // It takes no more than the largest variant that may have it.
            named.append((uri, playlist.variants.filter { $0.audio == rendition.group }.map(\.bandwidth).max()))
        }
        return named
    }

    /// Loads a media playlist; notes what is wrong with the answer.
    private func load(_ url: URL, _ directives: [String] = []) async -> MediaPlaylist? {
        guard let response = await get(directives.isEmpty ? url : Self.directed(url, directives)) else { return nil }
        guard response.isSuccess else {
            if !directives.isEmpty { ledger.note(.reload, false, "\(response.status)") }
            ledger.note(.syntax, response.status == 503, "\(response.status)")
            return nil
        }
        return readMedia(response, from: url, isDirected: !directives.isEmpty)
    }

    private func readMedia(_ response: ProbeResponse, from url: URL, isDirected: Bool = false) -> MediaPlaylist? {
        do throws(PlaylistError) {
            let playlist = try MediaPlaylist(parsing: response.body.span)
            ledger.note(.syntax, true, "\(playlist.complete.count) segments")
            ledger.note(.type, Self.isPlaylist(response, url), response.mediaType ?? "no Content-Type")
            noteTransfer(response)
            if !playlist.hasEnded {
                let age = Self.maximumAge(response)
                // An answer that names the segment that it waited for is never out of date.
                let target = Int(clamping: min(playlist.targetDuration, 3600)) * (isDirected ? 6 : 1)
                let seen = response.fields[.cacheControl] ?? "no Cache-Control"
                ledger.note(.cachePlaylist, age.map { $0 <= target } ?? false, seen)
            }
            return playlist
        } catch {
            ledger.note(.syntax, false, error.description)
            return nil
        }
    }

    private func noteTransfer(_ response: ProbeResponse) {
        let allowed = response.fields[.accessControlAllowOrigin]
        ledger.note(.cors, allowed == "*" || allowed == endpoint.origin, allowed ?? "no Access-Control-Allow-Origin")
    }

    // MARK: Following

    /// Between two tries with a server that does not do what it should.
    private static let patience = Duration.milliseconds(300)

    /// Looks at a playlist once more that has said that it is over.
    func confirmEnd(of index: Int) async {
        guard let target = tracks[index].judge.full?.targetDuration else { return }
        ledger.subject = tracks[index].name
        await world.wait(.seconds(Int64(clamping: min(target, 10))))
        if let playlist = await load(tracks[index].url) { await take(playlist, index) }
    }

    /// Waits for the next version of a playlist, and fetches what is new in it.
    func follow(_ index: Int) async {
        guard let before = tracks[index].judge.full, !before.hasEnded else { return }
        tracks[index].reloads += 1
        ledger.subject = tracks[index].name
        guard before.control?.canBlockReload == true else {
            await world.wait(.milliseconds(Int64(clamping: min(before.targetDuration, 60)) * 500))
            if let playlist = await load(tracks[index].url) { await take(playlist, index) }
            return
        }
        let edge = MediaPlaylistJudge.edge(before)
        let part = before.partTarget == nil ? nil : edge.parts
        // Turn by turn: the hinted part first, a whole playlist, and what has changed alone.
        let turn = tracks[index].reloads % 3
        let hinted = turn == 0 ? await fetchHint(before, index) : nil
        var directives = ["_HLS_msn=\(edge.sequence)"]
        if let part { directives.append("_HLS_part=\(part)") }
        if turn == 1, before.control?.canSkipUntil != nil { directives.append("_HLS_skip=YES") }
        guard let playlist = await load(tracks[index].url, directives) else {
            await world.wait(Self.patience)
            return
        }
        let isAnswered = MediaPlaylistJudge.edge(playlist).reaches(edge.sequence, part: part) || playlist.hasEnded
        ledger.note(.reload, isAnswered, "\(directives.prefix(2).joined(separator: " "))")
        if !isAnswered { await world.wait(Self.patience) }
        await take(playlist, index)
        if let hinted, isAnswered, let after = tracks[index].judge.full { await judge(hinted, after, index) }
    }

    /// Judges a version, and fetches what is new in it.
    private func take(_ playlist: MediaPlaylist, _ index: Int) async {
        let isTaken = tracks[index].judge.take(playlist, at: world.now(), &ledger)
        guard isTaken, let full = tracks[index].judge.full else {
            tracks[index].reported = nil
            return
        }
        judgeReports(playlist, full, index)
        await fetchMedia(full, index)
    }

    private func judgeReports(_ version: MediaPlaylist, _ full: MediaPlaylist, _ index: Int) {
        let edge = MediaPlaylistJudge.edge(full)
        let last = edge.parts > 0 ? edge.sequence : edge.sequence &- 1
        if let reported = tracks[index].reported {
            // What was reported was so then; by now the playlist may have gone on.
            let isRight = reported.sequence <= last && last - reported.sequence <= 2
            ledger.note(.reportAccurate, isRight, "LAST-MSN=\(reported.sequence), and \(last) is there")
            tracks[index].reported = nil
        }
        guard tracks.count > 1, full.control?.canBlockReload == true, !full.hasEnded else { return }
        let urls = version.reports.compactMap { report in
            Endpoint.resolve(report.uri, from: tracks[index].url).map { (url: $0, report: report) }
        }
        for other in tracks.indices where other != index {
            let report = urls.first { $0.url.path() == tracks[other].url.path() }?.report
            ledger.note(
                .reports, report != nil, report == nil ? "none of \(tracks[other].url.lastPathComponent)" : "there")
            if let sequence = report?.lastSequence { tracks[other].reported = .init(sequence: sequence) }
        }
    }

    // MARK: Fields

    /// §4: by its type or its path.
    private static func isPlaylist(_ response: ProbeResponse, _ url: URL) -> Bool {
        let types = ["application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl"]
        return response.mediaType.map(types.contains) ?? false
            || [".m3u8", ".m3u"].contains { url.path().hasSuffix($0) }
    }

    /// For how many seconds an answer may be kept; `nil` when it does not say.
    static func maximumAge(_ response: ProbeResponse) -> Int? {
        let words = response.fields.words(.cacheControl)
        if !words.isDisjoint(with: ["no-store", "no-cache"]) { return 0 }
        return words.first { $0.hasPrefix("max-age=") }.flatMap { Int($0.dropFirst(8)) }
    }

    private static func hasPicture(_ codecs: String) -> Bool {
        let picture = ["avc1", "avc3", "hvc1", "hev1", "av01", "vp08", "vp09", "dvh1", "mp4v"]
        return codecs.split(separator: ",").contains { codec in
            picture.contains { codec.filter { $0 != " " }.hasPrefix($0) }
        }
    }
}
