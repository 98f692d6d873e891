import Conformance
import Foundation
import HTTPTypes

extension PlaylistFlaw {
    /// What origins do wrong with their playlists.
    static let ofPlaylists: [PlaylistFlaw] = [
        .variants("a variant without BANDWIDTH", fails: [.multivariant], "BANDWIDTH=100000,", ""),
        .variants("a variant without CODECS", fails: [.codecs], "CODECS=\"avc1.42c01f,mp4a.40.2\",", ""),
        .variants("a variant without RESOLUTION", fails: [.resolution], "RESOLUTION=640x360,", ""),
        .variants("a group that is not there", fails: [.groups], "GROUP-ID=\"a\"", "GROUP-ID=\"b\""),
        .variants("too little BANDWIDTH", fails: [.bandwidth], "BANDWIDTH=100000", "BANDWIDTH=1000"),

        .text("a segment without a duration", fails: [.syntax], "#EXTINF:2.000,", "#EXTINF:two,"),
        .text("the version is too low", fails: [.version], "#EXT-X-VERSION:9", "#EXT-X-VERSION:3"),
        .text(
            "a segment that is too long", fails: [.targetDuration, .partSum, .dateDrift], "EXTINF:2.0", "EXTINF:2.6"),
        .lines("the target duration changes", fails: [.constant, .holdBack, .deltaBoundary]) { lines, now, _ in
            now < 70 ? lines : lines.map { $0.replacing("TARGETDURATION:2", with: "TARGETDURATION:3") }
        },
        .text("no initialization segment", fails: [.map], "#EXT-X-MAP", "#EXT-X-NO-MAP"),
        .lines("segments change their addresses", fails: [.sequence]) { lines, now, _ in
            now < 70 ? lines : lines.map { $0.hasPrefix("#") ? $0 : $0 + "?again" }
        },
        .lines(
            "the media sequence goes back", fails: [.sequence, .dateDrift, .reload, .reloadLimit, .reportAccurate]
        ) { lines, now, _ in
            now < 70 ? lines : lines.map { $0.hasPrefix("#EXT-X-MEDIA-SEQUENCE:") ? "#EXT-X-MEDIA-SEQUENCE:1" : $0 }
        },
        .text("discontinuities are not counted", fails: [.discontinuity], "#EXT-X-DISCONTINUITY-SEQUENCE:2", "#"),
        .lines("only two segments remain", fails: [.window, .discontinuity]) { lines, _, _ in
            ReferencePlaylist.shortened(lines.map { $0.replacing(",CAN-SKIP-UNTIL=12.000", with: "") }, to: 2)
        },
        .text("no dates", fails: [.date], "#EXT-X-PROGRAM-DATE-TIME", "#EXT-X-NO-DATE"),
        .lines("dates run ahead", fails: [.dateDrift]) { lines, _, _ in
            lines.enumerated().map { $0.element.replacing(".000Z", with: $0.offset % 2 == 0 ? ".000Z" : ".400Z") }
        },
        .lines("it goes on after its end", fails: [.ended]) { lines, now, _ in
            now > 70 && now < 70.6 ? lines + ["#EXT-X-ENDLIST"] : lines
        },
    ]

    /// What origins do wrong with parts, and with what a player may ask for.
    static let ofParts: [PlaylistFlaw] = [
        .text("parts are too long", fails: [.partTarget, .partSum], "DURATION=0.500", "DURATION=0.600"),
        .text("parts are too short", fails: [.partLeast, .partSum], "DURATION=0.500", "DURATION=0.400"),
        .text("parts do not add up", fails: [.partSum], "DURATION=0.500", "DURATION=0.480"),
        .text("every part is independent", fails: [.partIndependent], ".1.m4s\"", ".1.m4s\",INDEPENDENT=YES"),
        .after("a segment is not its parts", fails: [.partContent]) { request, response in
            if request.isWholeSegment, response.isSuccess { response.body.append(0) }
        },
        .text("no PART-HOLD-BACK", fails: [.control], "PART-HOLD-BACK=1.500,", ""),
        .text("HOLD-BACK is too small", fails: [.holdBack], ",HOLD-BACK=6.000", ",HOLD-BACK=5.000"),
        .text(
            "PART-HOLD-BACK is too small", fails: [.partHoldBack, .partHoldBackAdvice], "PART-HOLD-BACK=1.500",
            "PART-HOLD-BACK=0.900"),
        .text("PART-HOLD-BACK is small", fails: [.partHoldBackAdvice], "PART-HOLD-BACK=1.500", "PART-HOLD-BACK=1.200"),
        .text("CAN-SKIP-UNTIL is too small", fails: [.deltaBoundary], "CAN-SKIP-UNTIL=12.000", "CAN-SKIP-UNTIL=11.000"),
        .lines("a delta update skips too much", fails: [.delta]) { lines, _, skips in
            skips ? lines.map { $0.replacing("SKIPPED-SEGMENTS=5", with: "SKIPPED-SEGMENTS=500") } : lines
        },
        .text("no hints", fails: [.hint], "#EXT-X-PRELOAD-HINT", "#EXT-X-NO-HINT"),
        .text(
            "hints that are not kept", fails: [.hintKept], "PRELOAD-HINT:TYPE=PART,URI=\"",
            "PRELOAD-HINT:TYPE=PART,URI=\"1"),
        .text("no rendition reports", fails: [.reports], "#EXT-X-RENDITION-REPORT", "#EXT-X-NO-REPORT"),
        .text("reports that are ahead", fails: [.reportAccurate], "LAST-MSN=", "LAST-MSN=9"),
        .after("what cannot be is 503", fails: [.reloadLimit, .reloadPart]) { _, response in
            if response.status == 400 { response.status = 503 }
        },
        .after("a part alone is 200", fails: [.reloadPart]) { request, response in
            if request.url.query() == "_HLS_part=0" { response.status = 200 }
        },
        .after("segments have no media type", fails: [.segmentType]) { request, response in
            if request.isPart || request.isWholeSegment { response.fields[.contentType] = nil }
        },
        .after("the initialization segment is something else", fails: [.initialization]) { request, response in
            if request.name == "init.mp4" { response.body[4] = UInt8(ascii: "x") }
        },
        .after("what is missing is 200", fails: [.missing]) { request, response in
            if request.name.hasPrefix("missing") { response.status = 200 }
        },
        .after("playlists may be kept for an hour", fails: [.cachePlaylist]) { request, response in
            if request.isMediaPlaylist { response.fields[.cacheControl] = "max-age=3600" }
        },
        .after("segments must not be kept", fails: [.cacheSegment]) { request, response in
            if request.isPart { response.fields[.cacheControl] = "no-store" }
        },
        .after("nothing is compressed", fails: [.gzip]) { _, response in response.fields[.contentEncoding] = nil },
        .after("no other site may play it", fails: [.cors]) { _, response in
            response.fields[.accessControlAllowOrigin] = nil
        },
    ]

    /// What origins do wrong with time.
    static let ofTime: [PlaylistFlaw] = {
        var impatient = PlaylistFlaw("it does not block", fails: [.reload])
        impatient.isImpatient = true
        var stopped = PlaylistFlaw("nothing new comes", fails: [.freshness, .reload, .reloadLimit])
        stopped.stopsAt = 70
        let shifted = PlaylistFlaw.after("times jump", fails: [.timeline, .partContent]) { request, response in
            let numbers = request.name.split(separator: ".").compactMap { UInt64($0) }
            guard request.isPart, numbers.count == 2, numbers[1] == 2, response.isSuccess else { return }
            response.body = ReferenceFragment.part(numbers[0], 2, shifted: 300)
        }
        var hasty = PlaylistFlaw("a hinted part is not waited for", fails: [.hintBlocks])
        hasty.isHasty = true
        return [impatient, stopped, shifted, hasty]
    }()

    /// What origins do wrong that name their playlists in a way of their own, and do not say what they are.
    static let ofTypes: [PlaylistFlaw] = {
        var multivariant = PlaylistFlaw.after("the multivariant playlist is text", fails: [.multivariantType]) {
            if $0.isMultivariant { $1.fields[.contentType] = "text/plain" }
        }
        multivariant.address = "index.txt"
        var media = PlaylistFlaw.after("a media playlist is text", fails: [.type]) { request, response in
            guard request.isMultivariant || request.isMediaPlaylist else { return }
            let text = String(decoding: response.body, as: UTF8.self)
            response.body = Array(text.replacing("video.m3u8", with: "video.txt").utf8)
            if request.isMediaPlaylist { response.fields[.contentType] = "text/plain" }
        }
        media.address = "index.m3u8"
        return [multivariant, media]
    }()

    static let all = ofPlaylists + ofParts + ofTime + ofTypes
}

extension ReferencePlaylist {
    /// Leaves only the newest segments, and counts what is gone.
    static func shortened(_ lines: [String], to count: Int) -> [String] {
        let addresses = lines.indices.filter { !lines[$0].hasPrefix("#") }
        guard addresses.count > count else { return lines }
        let cut = addresses[addresses.count - count - 1]
        let head = lines.prefix { !$0.hasPrefix("#EXT-X-PROGRAM-DATE-TIME") && $0 != "#EXT-X-DISCONTINUITY" }
        let removed = addresses.count - count
        return head.map { line in
            guard line.hasPrefix("#EXT-X-MEDIA-SEQUENCE:"), let first = Int(line.dropFirst(22)) else { return line }
            return "#EXT-X-MEDIA-SEQUENCE:\(first + removed)"
        } + lines[(cut + 1)...]
    }
}
