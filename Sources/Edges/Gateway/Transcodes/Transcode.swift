import Media
import MediaIO
import Transcoding

/// Why and in what form a stream's picture is encoded anew.
enum TranscodeForm: Hashable, Sendable {
    /// In another codec, or without reordering, for viewers who cannot take the publisher's picture.
    case replacement(Codec)
    /// In smaller sizes beside the publisher's picture.
    case ladder

    var codec: Codec {
        switch self {
        case .replacement(let codec): codec
        case .ladder: .h264
        }
    }
}

/// A stream's picture being encoded anew, and its tracks on the media plane.
struct Transcode {
    let form: TranscodeForm
    let job: TranscodeJob
    let reading: FrameReading
    /// In the order of the job's renditions.
    let feeds: [RenditionFeed]
    /// Services that read its renditions, besides viewers.
    var readers = 0
    /// Since when nobody has needed it.
    var unusedSince: ContinuousClock.Instant?
    /// Frames left out so far, and when that was last seen to grow.
    var dropped: UInt64 = 0
    var droppedAt: ContinuousClock.Instant?

    /// What its viewers are told of the picture.
    var description: TrackDescription { Self.description(form.codec) }

    static func description(_ codec: Codec) -> TrackDescription {
        codec == .h264
            ? TrackDescription(
                codec: .h264,
                formatParameters: [
                    "packetization-mode": "1", "level-asymmetry-allowed": "1", "profile-level-id": "42e01f",
                ]
            )
            : TrackDescription(codec: codec)
    }
}

extension LiveStream {
    /// The publisher's picture, if there is one.
    var picture: Track? { tracks.first { $0.description.kind == .video } }

    /// All tracks of the stream on the media plane.
    var planeTracks: [(id: TrackID, codec: Codec)] {
        tracks.flatMap { track in track.ids.map { ($0, track.description.codec) } }
            + transcodes.values.flatMap { transcode in transcode.feeds.map { ($0.track, transcode.form.codec) } }
    }

    /// What a viewer of this form is shown in place of the publisher's picture; `nil` while nothing is encoded.
    func track(_ form: TranscodeForm) -> Track? {
        guard let transcode = transcodes[form], let source = picture, let first = transcode.feeds.first else {
            return nil
        }
        var layers = zip(transcode.feeds, transcode.job.renditions).map { feed, rendition in
            var layer = Layer(id: feed.track, name: rendition.name)
            if let width = source.width, let height = source.height {
                let size = PictureScaler.size(ofPicture: (width, height), height: rendition.form.height)
                (layer.width, layer.height) = (size.width, size.height)
            }
            return layer
        }
        if form == .ladder {
            layers.insert(Layer(id: source.id, name: "source", width: source.width, height: source.height), at: 0)
            return Track(id: source.id, description: source.description, layers: layers)
        }
        return Track(
            id: first.track, description: transcode.description, layers: layers.count > 1 ? layers : [],
            width: layers.first?.width, height: layers.first?.height)
    }

    /// The track that a viewer's picture is, with its layers.
    func track(of picture: Session.Picture, for session: Session) -> Track? {
        if let form = session.form { return track(form) }
        return tracks.first { $0.ids.contains(picture.track) }
    }
}
