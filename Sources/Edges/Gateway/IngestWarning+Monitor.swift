import Media

/// What is found by watching a publisher all the time.
extension IngestWarning {
    static func uplinkLoss(_ share: Double) -> IngestWarning {
        IngestWarning(
            code: "uplink-loss",
            message:
                "\(percent(share)) of the publisher's packets are lost on their way here. Viewers see freezes and artifacts "
                + "where they cannot be had again in time. Use a cable instead of Wi-Fi, or a lower bitrate (OBS: Output, "
                + "Bitrate; ffmpeg: -b:v; GStreamer: the encoder's bitrate)."
        )
    }

    static func uplinkJitter(_ seconds: Double) -> IngestWarning {
        IngestWarning(
            code: "uplink-jitter",
            message:
                "The publisher's packets come with \(Int(seconds * 1000)) ms of jitter. Viewers' players hold pictures back "
                + "to even that out, so latency grows. Use a cable instead of Wi-Fi, or a lower bitrate with less variation "
                + "(OBS: rate control CBR; ffmpeg: -maxrate and -bufsize; GStreamer: x264enc pass=cbr)."
        )
    }

    static let frozenPicture = IngestWarning(
        code: "video-frozen",
        message:
            "Sound comes, but no picture has come for two seconds. Viewers see a frozen picture. Look at the camera or "
            + "capture source and at the encoder's load (OBS: frames missed or skipped in the status bar; ffmpeg and GStreamer: "
            + "the source of the picture)."
    )

    static let stillPicture = IngestWarning(
        code: "video-still",
        message:
            "The picture seems not to change: nearly all frames are as small as those of a still image (nothing is decoded "
            + "to be sure). If that is not meant, look at the camera or capture source (OBS: is the source active; ffmpeg and "
            + "GStreamer: does the input go on)."
    )

    static let silentSound = IngestWarning(
        code: "audio-silent",
        message:
            "The sound seems to be silent: its frames are as small as those of silence, or hardly any come (nothing is "
            + "decoded to be sure). Viewers hear nothing. Look at the microphone and whether it is muted (OBS: the meters of "
            + "the audio mixer; ffmpeg: -map and the input device; GStreamer: volume mute=false)."
    )

    /// `seconds` is how much later the picture comes than sound of the same time.
    static func skew(_ seconds: Double) -> IngestWarning {
        let (late, early) = seconds > 0 ? ("picture", "sound") : ("sound", "picture")
        return IngestWarning(
            code: "av-skew",
            message:
                "The \(late) comes \(Int(abs(seconds) * 1000)) ms later than the \(early) of the same time. Viewers wait "
                + "that much longer for both, or see lips out of sync. Even out what holds one of them back in the encoder (OBS: "
                + "sync offset in the advanced audio properties, and B-frames off; ffmpeg: -af aresample=async=1, -bf 0; GStreamer: "
                + "queues of equal length, tune=zerolatency)."
        )
    }

    /// Bits per second.
    static func lowBitrate(_ measured: Int, of declared: Int) -> IngestWarning {
        IngestWarning(
            code: "bitrate-low",
            message:
                "The encoder declares \(declared / 1000) kbit/s and sends \(measured / 1000). A picture with little motion is "
                + "reason enough; otherwise the uplink or the encoder's load keeps it back, and viewers get less quality. Look "
                + "for dropped frames (OBS: status bar; ffmpeg: speed below 1x; GStreamer: late frames)."
        )
    }

    /// Bits per second.
    static func highBitrate(_ measured: Int, of declared: Int) -> IngestWarning {
        IngestWarning(
            code: "bitrate-high",
            message:
                "The encoder declares \(declared / 1000) kbit/s and sends \(measured / 1000). Paths that just carry what is "
                + "declared lose packets, the publisher's own and those of viewers, who then see freezes or no picture. Let the "
                + "encoder keep to its bitrate (OBS: rate control CBR; ffmpeg: -maxrate and -bufsize; GStreamer: x264enc pass=cbr)."
        )
    }

    /// `isOpen` says that there may be more to come.
    static func longGroupOfPictures(seconds: Double, isOpen: Bool = false) -> IngestWarning {
        IngestWarning(
            code: "long-gop",
            message:
                "Key frames are \(Int(seconds.rounded())) s\(isOpen ? " or more" : "") apart. Viewers take longer to join "
                + "and to recover from losses. Send one every 2 s (OBS: keyframe interval 2; ffmpeg: -g 60 at 30 fps; "
                + "GStreamer: x264enc key-int-max=60)."
        )
    }

    static func noSenderReports(_ kind: MediaKind) -> IngestWarning {
        IngestWarning(
            code: "no-sender-reports-\(kind.rawValue)",
            message: "The publisher sends no RTCP sender reports for its \(kind.rawValue), so picture and sound are "
                + "aligned by their arrival alone and lips may be out of sync. Use a newer version of the encoder, "
                + "or publish by RTMP (OBS: service Custom; ffmpeg: -f flv; GStreamer: rtmp2sink)."
        )
    }

    /// A clock that cannot follow from what came before.
    static let timestampsJumped = IngestWarning(
        code: "timestamps-jumped",
        message: "The encoder's timestamps jumped or went back within the last minute. Playback was carried on, with a "
            + "hitch. If it happens again and again, look at the clock of the source and restart the encoder (OBS: "
            + "the source's properties, use device timestamps; ffmpeg: -use_wallclock_as_timestamps 1; GStreamer: "
            + "do-timestamp=true at the source)."
    )

    static func irregularKeyFrames(_ least: Double, _ most: Double) -> IngestWarning {
        IngestWarning(
            code: "irregular-key-frames",
            message:
                "Key frames come between \(tenths(least)) and \(tenths(most)) s apart. How fast viewers join and recover "
                + "varies with them. Let them come every 2 s and not by scene (OBS: keyframe interval 2, x264 option scenecut=0; "
                + "ffmpeg: -g 60 -sc_threshold 0 at 30 fps; GStreamer: x264enc key-int-max=60 option-string=scenecut=0)."
        )
    }

    /// `seconds` is how much later frames come than they came before.
    static func drift(_ seconds: Double) -> IngestWarning {
        IngestWarning(
            code: "timestamps-drift",
            message: seconds > 0
                ? "Frames come \(tenths(seconds)) s later than they did within a minute: the uplink does not carry the bitrate, or "
                    + "the encoder falls behind. Latency grows by that. Lower the bitrate or the picture's size (OBS: Output, "
                    + "Bitrate; ffmpeg: -b:v, -preset; GStreamer: bitrate, speed-preset)."
                : "Frames come \(tenths(-seconds)) s earlier than they did within a minute: the encoder's clock runs slow, or a "
                    + "file is read faster than it plays. Send at the speed of the clock (OBS: check the audio device's sample "
                    + "rate; ffmpeg: -re; GStreamer: sync=true at the sink)."
        )
    }

    private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }

    private static func tenths(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
