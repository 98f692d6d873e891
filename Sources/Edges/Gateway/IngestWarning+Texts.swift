import Media
import Transcoding

/// What a publisher should know about its media: what it means for viewers, and what to change.
extension IngestWarning {
    /// B-frames that nothing depends on are left out.
    static let reorderedDropped = IngestWarning(
        code: "b-frames-dropped",
        message: "The encoder sends B-frames. They are left out for WebRTC viewers, who see a lower frame rate. "
            + "Turn B-frames off in the encoder (\(noReordering))."
    )
    /// B-frames that others depend on.
    static let reordered = IngestWarning(
        code: "b-frames",
        message: "The encoder sends B-frames that other frames depend on. Browsers cannot play them by WebRTC. "
            + "Turn B-frames off in the encoder (\(noReordering))."
    )
    /// B-frames for whose sake the picture is encoded anew.
    static let reorderedTranscoded = IngestWarning(
        code: "b-frames-transcoded",
        message:
            "The encoder sends B-frames, so the picture is encoded anew while somebody watches by WebRTC, which costs "
            + "a core's time, some quality and a little delay. Turn B-frames off in the encoder (\(noReordering))."
    )
    /// The transcoder leaves out frames.
    static let transcodeOverloaded = IngestWarning(
        code: "transcode-overloaded",
        message: "Encoding the picture anew does not keep up, so viewers of that form miss frames. Send a smaller "
            + "picture or fewer frames per second, shorten transcode.ladder, or use a machine with more cores."
    )
    /// B-frames of any kind, where none may be left out.
    static let reorderedByPolicy = IngestWarning(
        code: "b-frames",
        message: "The encoder sends B-frames, and rtmp.b_frames is hls_only, so they are kept and nobody can watch by "
            + "WebRTC. Turn B-frames off in the encoder (\(noReordering)), or set rtmp.b_frames to auto."
    )

    /// B-frames may come by the encoder's own words; whether they do does not show in RTP.
    static let reorderedAnnounced = IngestWarning(
        code: "b-frames-announced",
        message: "The encoder announces B-frames, which stall in browsers. Turn them off (\(noReordering))."
    )
    /// Both are values of `profile-level-id`.
    static func profileDiffers(announced: String, sent: String) -> IngestWarning {
        IngestWarning(
            code: "profile-differs",
            message: "The offer announces H.264 profile-level-id \(announced), but the encoder sends \(sent). "
                + "Viewers are told what is sent. If a player shows no picture, set the encoder's profile to baseline."
        )
    }

    /// The limit is in bits per second.
    static func bitrateExceeded(_ limit: Int) -> IngestWarning {
        IngestWarning(
            code: "bitrate-exceeded",
            message:
                "The publisher sends more than the \(limit / 1000) kbit/s that its token allows, and will be ended. "
                + "Lower the encoder's bitrate."
        )
    }

    static func audioNotTranscodable(_ error: TranscodingError) -> IngestWarning {
        IngestWarning(
            code: "audio-not-transcodable",
            message: "The AAC audio cannot be turned into Opus (\(error)), so WebRTC viewers hear nothing. "
                + "Send AAC-LC with one or two channels."
        )
    }

    /// The picture cannot be decoded, or not be encoded.
    static func transcodeFailed(_ error: TranscodingError) -> IngestWarning {
        IngestWarning(
            code: "transcode-failed",
            message: "The picture cannot be encoded anew (\(error)), so some viewers by WebRTC see nothing."
        )
    }

    /// Where to turn B-frames off.
    static let noReordering = "OBS: bframes=0 or tune zerolatency; ffmpeg: -bf 0; GStreamer: x264enc bframes=0"

    /// Whether it is about the order of pictures.
    var concernsOrder: Bool { code.hasPrefix("b-frames") }
}
