import Logging
import Media
import MediaIO
import Primitives
import Telemetry
import WebRTC

/// What is wrong with a publisher's media, for the people who look after it.
extension Gateway {
    /// A session's encoder says what it really sends; offers are written before it starts.
    ///
    /// New viewers are told the truth. (OBS announces Constrained Baseline whatever it sends.)
    func follow(parameterSet unit: [UInt8], of id: TrackID) {
        guard let (name, stream) = streams.first(where: { $1.tracks.contains { $0.ids.contains(id) } }),
            let index = stream.tracks.firstIndex(where: { $0.ids.contains(id) }),
            let parameters = try? H264SequenceParameterSet(parsing: unit.span)
        else { return }
        let announced = stream.tracks[index].description
        var sent = announced
        sent.formatParameters["profile-level-id"] = parameters.profileLevelID
        streams[name]?.tracks[index].description = sent
        note(PictureSize(width: parameters.width, height: parameters.height), of: id)
        if !sent.hasSameProfile(as: announced) {
            warn(
                .profileDiffers(
                    announced: announced.formatParameters["profile-level-id"] ?? "",
                    sent: parameters.profileLevelID
                ),
                stream: name
            )
        }
        if parameters.allowsReordering, parameters.maximumReorderedFrames ?? 0 > 0 {
            warn(.reorderedAnnounced, stream: name)
        }
    }

    /// The picture of a session's track has this size from now on.
    func note(_ size: PictureSize, of id: TrackID) {
        guard let (name, stream) = streams.first(where: { $1.tracks.contains { $0.ids.contains(id) } }),
            let index = stream.tracks.firstIndex(where: { $0.ids.contains(id) })
        else { return }
        if let layer = stream.tracks[index].layers.firstIndex(where: { $0.id == id }) {
            streams[name]?.tracks[index].layers[layer].width = size.width
            streams[name]?.tracks[index].layers[layer].height = size.height
        }
        // Of several layers the largest is what the picture is.
        let widest = streams[name]?.tracks[index].layers.compactMap(\.width).max() ?? size.width
        if size.width >= widest {
            streams[name]?.tracks[index].width = size.width
            streams[name]?.tracks[index].height = size.height
        }
    }

    /// What was noticed when it happened, and what is found by watching.
    func warnings(of stream: LiveStream) -> [IngestWarning] {
        guard stream.publisher != nil else { return stream.warnings }
        return stream.warnings + monitored(stream)
    }

    // MARK: Watching

    /// Looks at what every publisher has sent since the last time.
    func watchPublishers() async {
        guard streams.values.contains(where: { $0.publisher != nil }) else { return }
        let figures = await plane.report().flatMap(\.tracks).filter(\.isOwner)
        let byTrack = Dictionary(figures.map { ($0.id, $0) }) { first, _ in first }
        let now = clock.now
        for (name, stream) in streams where stream.publisher != nil && !stream.tracks.isEmpty {
            watch(name, figures: byTrack, at: now)
        }
    }

    /// Looks at what a stream's publisher has sent, and says what is new in it.
    func watch(_ name: StreamName, figures: [TrackID: MediaReport.Track], at now: ContinuousClock.Instant) {
        guard let stream = streams[name] else { return }
        let before = Set(stream.monitor.findings.map(\.warning.code))
        var readings = Self.readings(of: stream, figures: figures)
        readings.transcoding = transcodeWarnings(of: stream)
        streams[name]?.monitor.observe(readings, at: now)
        for finding in streams[name]?.monitor.findings ?? [] where !before.contains(finding.warning.code) {
            logger.notice(
                "publisher needs attention",
                metadata: [LogKeys.stream: "\(name)", LogKeys.warning: "\(finding.warning.code)"]
            )
            announce(.warned(name, finding.warning))
        }
    }

    /// A publisher of frames tells more than the media plane sees: sound that waits for viewers has no packets there.
    static func readings(of stream: LiveStream, figures: [TrackID: MediaReport.Track]) -> IngestReadings {
        var own: IngestFigures?
        if case .frames(let ingest, _, _) = stream.publisher { own = ingest.figures }
        let tracks = stream.tracks.map { track in
            let seen = track.ids.compactMap { figures[$0] }
            var reading = IngestReading(kind: track.description.kind, codec: track.description.codec)
            reading.packets = seen.reduce(0) { $0 + $1.packetsReceived }
            reading.lost = seen.reduce(0) { $0 + $1.packetsLost }
            reading.frames = seen.reduce(0) { $0 + $1.framesReceived }
            reading.bytes = seen.reduce(0) { $0 + $1.bytesReceived }
            reading.stillFrames = seen.reduce(0) { $0 + $1.stillFrames }
            reading.jitter = seen.compactMap(\.jitter).max()
            reading.silence = seen.compactMap(\.silence).min()
            reading.lateness = seen.first?.lateness
            reading.keyFrameInterval = seen.first?.keyFrameInterval
            reading.keyFrameAge = seen.first?.keyFrameAge
            reading.answersKeyFrameRequests = own == nil && track.answersKeyFrameRequests
            reading.hasPublisherClock = own != nil || seen.contains(where: \.hasPublisherClock)
            reading.declaredBitrate = own == nil ? track.declaredBitrate : nil
            guard let frames = own?.tracks[reading.kind] else { return reading }
            reading.lateness = Double(frames.lateness) / 1e9
            if reading.kind == .audio, frames.codec == .aac, seen.allSatisfy({ $0.framesReceived == 0 }) {
                reading.codec = .aac
                (reading.frames, reading.bytes, reading.silence) = (frames.frames, frames.bytes, nil)
            }
            return reading
        }
        let jumps = stream.tracks.flatMap(\.ids).reduce(0) { $0 + (figures[$1]?.clockJumps ?? 0) }
        return IngestReadings(
            tracks: tracks,
            declaredBitrate: own == nil ? stream.declaredBitrate : own?.declaredBitrate,
            clockJumps: own?.clockJumps ?? jumps,
            isDatagrams: own == nil
        )
    }

    /// What is wrong at present, with the time of day at which it began.
    private func monitored(_ stream: LiveStream) -> [IngestWarning] {
        let (now, wallClock) = (clock.now, WallClock.secondsSince1970())
        return stream.monitor.findings.map { finding in
            let age = now - finding.since
            var warning = finding.warning
            warning.since = WallClock.iso8601(secondsSince1970: wallClock - age / .seconds(1))
            return warning
        }
    }
}
