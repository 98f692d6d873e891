import Media
import MediaIO
import Primitives
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

    /// What was noticed when it happened, and what the figures of this moment say.
    func warnings(of stream: LiveStream, figures: [TrackID: MediaReport.Track]) -> [IngestWarning] {
        guard let publisher = stream.publisher else { return stream.warnings }
        let age = clock.now - stream.startedAt
        var warnings = stream.warnings + transcodeWarnings(of: stream)
        for track in stream.tracks {
            guard let figures = figures[track.id] else { continue }
            if track.description.kind == .video, !track.answersKeyFrameRequests,
                let interval = figures.keyFrameInterval
            {
                warnings += IngestWarning.longGroupOfPictures(seconds: interval).map { [$0] } ?? []
            }
            // Frames have had their jumps taken out, and have been warned of, before they come here.
            guard case .session = publisher else { continue }
            if figures.clockJumps > 0, !warnings.contains(.timestampsJumped) { warnings.append(.timestampsJumped) }
            if stream.tracks.count > 1, age > Self.senderReportPatience, figures.packetsReceived > 0,
                !figures.hasPublisherClock
            {
                warnings.append(.noSenderReports(track.description.kind))
            }
        }
        return warnings
    }

    /// Reports come every five seconds or more often (RFC 3550 §6.2).
    private static let senderReportPatience = Duration.seconds(15)
}
