extension PlaylistRow {
    /// What the row asks; sections are those of RFC 8216bis (draft-pantos-hls-rfc8216bis).
    package var requirement: Requirement {
        switch self {
        case .multivariantType, .multivariant, .codecs, .resolution, .groups, .bandwidth: multivariantRequirement
        case .type, .syntax, .version, .targetDuration, .constant, .map, .sequence, .discontinuity, .window, .freshness,
            .date, .dateDrift, .ended:
            mediaRequirement
        case .partTarget, .partLeast, .partSum, .partIndependent, .partContent: partRequirement
        case .control, .holdBack, .partHoldBack, .partHoldBackAdvice: controlRequirement
        case .reload, .reloadLimit, .reloadPart, .deltaBoundary, .delta, .hint, .hintKept, .hintBlocks, .reports,
            .reportAccurate:
            deliveryRequirement
        case .segmentType, .initialization, .timeline, .missing: segmentRequirement
        case .cachePlaylist, .cacheSegment, .gzip, .cors: transferRequirement
        }
    }

    /// Where it is asked for.
    package var source: String { requirement.whep ?? "" }

    private func rule(_ level: Requirement.Level, _ text: String, _ source: String) -> Requirement {
        Requirement(level, text, source)
    }

    private var multivariantRequirement: Requirement {
        switch self {
        case .multivariantType:
            rule(.must, "The playlist is application/vnd.apple.mpegurl, audio/mpegurl or its path ends in .m3u8", "§4")
        case .multivariant: rule(.must, "The multivariant playlist can be read", "§4.1, §4.4.6")
        case .codecs: rule(.should, "Each variant names its CODECS", "§4.4.6.2")
        case .resolution: rule(.should, "Each variant with a picture has RESOLUTION and FRAME-RATE", "§4.4.6.2")
        case .groups: rule(.must, "The group that a variant names is there", "§4.4.6.2.1")
        default: rule(.must, "No segment is larger than BANDWIDTH allows, 10% more at most", "§4.4.6.2")
        }
    }

    private var mediaRequirement: Requirement {
        switch self {
        case .type: rule(.must, "A media playlist has a media type or path of playlists", "§4")
        case .syntax: rule(.must, "Each media playlist can be read", "§4.1, §4.4.3")
        case .version: rule(.must, "EXT-X-VERSION is at least what the tags need", "§8")
        case .targetDuration: rule(.must, "No EXTINF, rounded, is over EXT-X-TARGETDURATION", "§4.4.3.1")
        case .constant: rule(.must, "EXT-X-TARGETDURATION and PART-TARGET never change", "§6.2.1")
        case .map: rule(.must, "Segments of fragmented MP4 have an EXT-X-MAP", "§3.1.2")
        case .sequence: rule(.must, "Segments keep their numbers, addresses and durations", "§4.4.3.2, §6.2.1")
        case .discontinuity:
            rule(.must, "EXT-X-DISCONTINUITY-SEQUENCE counts the discontinuities that were removed", "§6.2.2")
        case .window: rule(.must, "No segment is removed that leaves less than three target durations", "§6.2.2")
        case .freshness: rule(.must, "A new segment or part is there within 1.5 target durations", "§6.2.2")
        case .date: rule(.should, "Segments have an EXT-X-PROGRAM-DATE-TIME", "§4.4.4.6, B.1")
        case .dateDrift: rule(.should, "Dates go on by the durations of segments, give or take 50 ms", "§4.4.4.6")
        default: rule(.must, "Nothing changes after EXT-X-ENDLIST", "§6.2.1")
        }
    }

    private var partRequirement: Requirement {
        switch self {
        case .partTarget: rule(.must, "No part is longer than PART-TARGET", "§4.4.4.9")
        case .partLeast:
            rule(.must, "Each part but the last of its segment lasts 85% of PART-TARGET or more", "§4.4.3.7, §4.4.4.9")
        case .partSum: rule(.must, "Parts last as long as their segment", "§4.4.4.9")
        case .partIndependent: rule(.should, "A part marked INDEPENDENT begins with a key frame", "§4.4.4.9")
        default: rule(.must, "A segment is its parts, byte for byte", "§4.4.4.9")
        }
    }

    private var controlRequirement: Requirement {
        switch self {
        case .control: rule(.must, "With parts, EXT-X-SERVER-CONTROL has PART-HOLD-BACK", "§4.4.3.8")
        case .holdBack: rule(.must, "HOLD-BACK is three target durations or more", "§4.4.3.8")
        case .partHoldBack: rule(.must, "PART-HOLD-BACK is twice PART-TARGET or more", "§4.4.3.8")
        default: rule(.should, "PART-HOLD-BACK is three times PART-TARGET or more", "§4.4.3.8")
        }
    }

    private var deliveryRequirement: Requirement {
        switch self {
        case .reload: rule(.must, "A blocking reload is answered with what it waited for", "§6.2.5.2")
        case .reloadLimit: rule(.should, "A segment more than two ahead is asked for in vain: 400", "§6.2.5.2")
        case .reloadPart: rule(.should, "_HLS_part without _HLS_msn is 400", "§6.2.5.2")
        case .deltaBoundary: rule(.must, "CAN-SKIP-UNTIL is six target durations or more", "§4.4.3.8")
        case .delta: rule(.must, "A delta update is the full playlist without what it skips", "§6.2.5.1")
        case .hint: rule(.should, "With parts, the next one is in EXT-X-PRELOAD-HINT", "§6.2.6, B.1")
        case .hintKept: rule(.must, "A part that was hinted at is the next one", "§6.2.6")
        case .hintBlocks: rule(.should, "A hinted part that is not there yet is waited for, and whole", "§6.2.6")
        case .reports: rule(.should, "Blocking playlists report on each other rendition", "§4.4.5.4, B.1")
        default: rule(.must, "A rendition report is not ahead of its playlist, nor two segments behind", "§4.4.5.4")
        }
    }

    private var segmentRequirement: Requirement {
        switch self {
        case .segmentType: rule(.should, "Segments and parts have a media type of audio or video", "RFC 9110 §8.3")
        case .initialization: rule(.must, "EXT-X-MAP is ftyp and moov", "§3.1.2")
        case .timeline: rule(.must, "Decoding times go on from fragment to fragment", "§3.1.2, ISO 23000-19 §7.3.2.1")
        default: rule(.should, "A segment that is not there is 404", "§6.2.1, RFC 9110 §15.5.5")
        }
    }

    private var transferRequirement: Requirement {
        switch self {
        case .cachePlaylist:
            rule(
                .should, "A live playlist may be kept for a target duration at most, a blocking answer for six", "B.1")
        case .cacheSegment: rule(.should, "Segments may be kept", "§6.2.1, B.1")
        case .gzip: rule(.should, "Playlists are compressed where the player takes it", "B.1, RFC 9110 §8.4")
        default: rule(.should, "Pages of other sites may play it (CORS)", "Fetch")
        }
    }
}
