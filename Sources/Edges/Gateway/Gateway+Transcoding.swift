import Logging
package import Media
import MediaIO
package import Primitives
import Telemetry
import Transcoding

/// Pictures that are encoded anew for those who cannot take the publisher's: begun with the first viewer who needs
/// one, shared by all, and ended a little after the last.
extension Gateway {
    /// How long an unused transcode is kept: a viewer who reloads the page finds it running.
    static let transcodePatience = Duration.seconds(5)

    // MARK: What a viewer may be shown

    /// What to offer a viewer of the stream, the best first: the publisher's own tracks, and with the picture in
    /// another form.
    func plans(for stream: LiveStream) -> [(form: TranscodeForm?, tracks: [TrackDescription])] {
        let own = stream.tracks.map(\.description)
        guard let position = own.firstIndex(where: { $0.kind == .video }) else { return [(nil, own)] }
        var plans: [(form: TranscodeForm?, tracks: [TrackDescription])] = stream.isReordered ? [] : [(nil, own)]
        guard policy.transcoding.maximum > 0, !stream.isReordered || policy.reordering.mayTranscode,
            VideoDecoder.isAvailable(for: own[position].codec)
        else { return plans }
        for codec in [Codec.h264, .vp8] where codec != own[position].codec || stream.isReordered {
            guard !encoders(of: codec).isEmpty else { continue }
            var tracks = own
            tracks[position] = Transcode.description(codec)
            plans.append((.replacement(codec), tracks))
        }
        return plans
    }

    private func encoders(of codec: Codec) -> [String] {
        VideoEncoderBackend.available(for: codec, preferring: policy.transcoding.encoder)
    }

    /// The form in which somebody who can take the publisher's picture is shown it: with smaller sizes beside it, where
    /// there are any.
    func formWithLadder(for stream: LiveStream) -> TranscodeForm? {
        guard let picture = stream.picture, picture.layers.isEmpty, picture.description.codec == .h264,
            !ladder(below: picture).isEmpty, !encoders(of: .h264).isEmpty
        else { return nil }
        return .ladder
    }

    /// The steps of the ladder that are smaller than a picture.
    private func ladder(below picture: LiveStream.Track) -> [VideoRendition] {
        guard let width = picture.width, let height = picture.height else { return [] }
        return policy.transcoding.ladder.filter { $0.height.map { $0 < min(width, height) } ?? false }
    }

    // MARK: Beginning and ending

    /// Sees to it that the stream's picture is encoded in this form.
    ///
    /// - Throws: ``GatewayRefusal`` when as many pictures are encoded as may be, or there is no encoder.
    func beginTranscode(_ form: TranscodeForm, of name: StreamName) throws(GatewayRefusal) {
        guard let stream = streams[name], let picture = stream.picture else { return }
        if stream.transcodes[form] != nil {
            streams[name]?.transcodes[form]?.unusedSince = nil
            return
        }
        guard transcodeCount < policy.transcoding.maximum || endUnusedTranscode() else {
            throw Self.transcodingLimit(from: picture.description.codec, policy.transcoding.maximum)
        }
        var forms = ladder(below: picture)
        if case .replacement(let codec) = form {
            forms = [VideoRendition(codec: codec)] + (codec == .h264 ? forms : [])
        }
        let job: TranscodeJob
        do throws(TranscodingError) {
            job = try TranscodeJob(forms, encoder: policy.transcoding.encoder) { [transcodeRequests] in
                transcodeRequests.yield(name)
            }
        } catch {
            warn(.transcodeFailed(error), stream: name)
            throw GatewayRefusal(.noCommonCodec, "The picture cannot be encoded for this viewer: \(error).")
        }
        let feeds = job.renditions.map { rendition in
            let id = plane.makeTrackID()
            addPlaneTrack(id, form.codec, to: stream)
            let feed = RenditionFeed(id, codec: form.codec) { [plane, owner = stream.owner] in
                plane.post($0, to: owner)
            }
            _ = rendition.lane.attach(feed)
            return feed
        }
        guard let reading = try? attach(job, to: name) else { return }
        streams[name]?.transcodes[form] = Transcode(form: form, job: job, reading: reading, feeds: feeds)
        logger.info(
            "transcoding begun",
            metadata: [
                LogKeys.stream: "\(name)", LogKeys.codec: "\(form.codec.rawValue)",
                LogKeys.renditions: "\(job.renditions.map(\.name).joined(separator: " "))",
            ]
        )
    }

    private func addPlaneTrack(_ id: TrackID, _ codec: Codec, to stream: LiveStream) {
        plane.post(.addTrack(.init(id: id, codec: codec, owner: stream.owner)), to: stream.owner)
        for worker in stream.relays {
            plane.post(.addTrack(.init(id: id, codec: codec, owner: stream.owner)), to: worker)
            plane.post(.startRelay(id, worker: worker), to: stream.owner)
        }
    }

    func endTranscode(_ form: TranscodeForm, of name: StreamName) {
        guard let stream = streams[name], let transcode = streams[name]?.transcodes.removeValue(forKey: form) else {
            return
        }
        detach(transcode.reading)
        transcode.job.stop()
        endedTranscodeDrops &+= transcode.job.statistics.dropped
        for feed in transcode.feeds {
            plane.post(.removeTrack(feed.track), to: stream.owner)
            for worker in stream.relays { plane.post(.removeTrack(feed.track), to: worker) }
        }
        logger.info(
            "transcoding ended",
            metadata: [LogKeys.stream: "\(name)", LogKeys.codec: "\(form.codec.rawValue)"]
        )
    }

    /// Makes room by ending a transcode that is only kept in case somebody comes back.
    private func endUnusedTranscode() -> Bool {
        for (name, stream) in streams {
            if let unused = stream.transcodes.first(where: { $1.unusedSince != nil })?.key {
                endTranscode(unused, of: name)
                return true
            }
        }
        return false
    }

    /// Notes which transcodes nobody needs any more.
    func settleTranscodes(of name: StreamName) {
        guard let stream = streams[name], !stream.transcodes.isEmpty else { return }
        for (form, transcode) in stream.transcodes {
            let isUsed = transcode.readers > 0 || stream.viewers.keys.contains { sessions[$0]?.form == form }
            if isUsed {
                streams[name]?.transcodes[form]?.unusedSince = nil
            } else if transcode.unusedSince == nil {
                streams[name]?.transcodes[form]?.unusedSince = clock.now
            }
        }
    }

    /// Ends what has been unused for long enough, and notes who does not keep up.
    func tendTranscodes(at now: ContinuousClock.Instant) {
        for (name, stream) in streams where !stream.transcodes.isEmpty {
            for (form, transcode) in stream.transcodes {
                if let since = transcode.unusedSince, now - since >= Self.transcodePatience {
                    endTranscode(form, of: name)
                    continue
                }
                let dropped = transcode.job.statistics.dropped
                guard dropped > transcode.dropped else { continue }
                streams[name]?.transcodes[form]?.dropped = dropped
                streams[name]?.transcodes[form]?.droppedAt = now
            }
        }
    }

    /// A transcoder needs a key frame of the stream's publisher.
    func followTranscodeRequests() async {
        for await name in transcodeRequestStream {
            guard let reading = streams[name]?.transcodes.values.first?.reading else { continue }
            requestKeyFrame(for: reading)
        }
    }

    // MARK: Renditions for other services

    /// Encodes the ladder of a stream for a service, until ``release(_:)``.
    ///
    /// - Parameters:
    ///   - name: A stream.
    ///   - replaced: Codecs of pictures for which the service asks for a ``replacement(of:)``, which has the ladder with it.
    /// - Returns: The renditions, the largest first, each with a lane to attach a reader to; `nil` when there are none:
    ///   no ladder, no picture larger than its steps, or as many transcodes as may be.
    package func renditions(of name: StreamName, unless replaced: Set<Codec> = []) -> RenditionHold? {
        guard let stream = streams[name], let picture = stream.picture, picture.layers.isEmpty,
            !replaced.contains(picture.description.codec), !ladder(below: picture).isEmpty,
            (try? beginTranscode(.ladder, of: name)) != nil,
            let job = streams[name]?.transcodes[.ladder]?.job
        else { return nil }
        streams[name]?.transcodes[.ladder]?.readers += 1
        return RenditionHold(stream: name, form: .ladder, job: job)
    }

    /// Encodes the picture of a stream as H.264 for a service that cannot take the publisher's, and the ladder with it,
    /// until ``release(_:)``.
    ///
    /// - Returns: The renditions, the first in the publisher's size; `nil` when there are no codecs for it, or as many
    ///   transcodes as may be.
    package func replacement(of name: StreamName) -> RenditionHold? {
        let form = TranscodeForm.replacement(.h264)
        guard let picture = streams[name]?.picture, policy.transcoding.maximum > 0,
            VideoDecoder.isAvailable(for: picture.description.codec), !encoders(of: .h264).isEmpty,
            (try? beginTranscode(form, of: name)) != nil, let job = streams[name]?.transcodes[form]?.job
        else { return nil }
        streams[name]?.transcodes[form]?.readers += 1
        return RenditionHold(stream: name, form: form, job: job)
    }

    /// Lets the renditions of a stream go.
    package func release(_ hold: RenditionHold) {
        guard streams[hold.stream]?.transcodes[hold.form]?.job === hold.job else { return }
        streams[hold.stream]?.transcodes[hold.form]?.readers -= 1
        settleTranscodes(of: hold.stream)
    }

    // MARK: Figures

    var transcodeCount: Int { streams.values.reduce(0) { $0 + $1.transcodes.count } }

    var transcodeDrops: UInt64 {
        streams.values.reduce(endedTranscodeDrops) { sum, stream in
            stream.transcodes.values.reduce(sum) { $0 &+ $1.job.statistics.dropped }
        }
    }

    /// What is wrong with the transcodes of a stream at present.
    func transcodeWarnings(of stream: LiveStream) -> [IngestWarning] {
        var warnings: [IngestWarning] = []
        for transcode in stream.transcodes.values {
            if let failure = transcode.job.statistics.conversion.failure { warnings.append(.transcodeFailed(failure)) }
            if let at = transcode.droppedAt, clock.now - at < .seconds(30) { warnings.append(.transcodeOverloaded) }
        }
        return warnings
    }

    private static func transcodingLimit(from codec: Codec, _ maximum: Int) -> GatewayRefusal {
        GatewayRefusal(
            .transcodingLimit,
            "The \(codec.rtpName ?? codec.rawValue) picture would have to be encoded anew for this viewer, and the "
                + "gateway encodes as many already as transcode.max_streams allows (\(maximum))."
        )
    }
}

/// A service's hold on the renditions of a stream.
package struct RenditionHold: Sendable {
    package let stream: StreamName
    let form: TranscodeForm
    package let job: TranscodeJob

    /// The largest first.
    package var renditions: [TranscodeJob.Rendition] { job.renditions }
}
