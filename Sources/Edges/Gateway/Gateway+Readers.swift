package import Media
import MediaIO
package import Primitives

/// A reader's place on a stream's frame lane.
package struct FrameReading: Sendable {
    package let stream: StreamName
    let lane: FrameLane
    let number: UInt64
}

/// What happens to a stream, for services that read it by themselves.
package enum StreamNews: Sendable, Equatable {
    /// Somebody publishes it; also when another publisher takes it over.
    case published(StreamName)
    /// Nobody publishes it at the moment.
    case unpublished(StreamName)
    /// It is over.
    case removed(StreamName)
    /// Something is wrong with what its publisher sends, and was not before.
    case warned(StreamName, IngestWarning)
}

/// Readers of frames: HLS, recording, snapshots, transcoders.
extension Gateway {
    /// Lets a reader have a stream's frames from now on, whoever publishes it, until it is detached or the stream is over.
    ///
    /// It is first given the frames since the last key frame, as far as ``FrameHistory`` keeps them; otherwise its picture
    /// begins at the next one, which is asked for where the publisher makes them on request. A stream by WHIP is
    /// depacketized only while somebody reads it.
    ///
    /// - Parameters:
    ///   - reader: Called on the publisher's thread; see ``FrameLane``.
    ///   - name: A stream that is published, or was so within the grace period.
    /// - Returns: The reader's place, for ``detach(_:)``.
    /// - Throws: ``GatewayRefusal`` when there is no such stream.
    package func attach(_ reader: any FrameReader, to name: StreamName) throws(GatewayRefusal) -> FrameReading {
        guard let lane = streams[name]?.lane else {
            throw GatewayRefusal(
                .notPublishing,
                "Nobody publishes \"\(name)\" at the moment. Try again when the stream is live.",
                retryAfter: .seconds(1)
            )
        }
        let (number, awaitsKeyFrame) = lane.attach(reader)
        settleTap(of: name)
        let reading = FrameReading(stream: name, lane: lane, number: number)
        if awaitsKeyFrame { requestKeyFrame(for: reading) }
        return reading
    }

    /// Lets a reader go; it hears nothing any more.
    package func detach(_ reading: FrameReading) {
        reading.lane.detach(reading.number)
        guard streams[reading.stream]?.lane === reading.lane else { return }
        settleTap(of: reading.stream)
    }

    /// Asks the publisher for a key frame; those who cannot make one on request ignore it.
    package func requestKeyFrame(for reading: FrameReading) {
        guard let stream = streams[reading.stream], stream.lane === reading.lane else { return }
        switch stream.publisher {
        case .frames(let ingest, _, _): ingest.requestKeyFrame()
        case .session:
            for id in stream.tracks.lazy.filter({ $0.description.kind == .video }).flatMap(\.ids) {
                plane.post(.requestKeyFrame(id), to: stream.owner)
            }
        case nil: break
        }
    }

    // MARK: News

    /// Tells `observer` what happens to streams from now on, in order, beginning with those that are published.
    ///
    /// - Parameter observer: Called by the gateway; must not wait.
    package func observeStreams(_ observer: @escaping @Sendable (StreamNews) -> Void) {
        for (name, stream) in streams where stream.publisher != nil && stream.isAnnounced { observer(.published(name)) }
        observers.append(observer)
    }

    /// What publishes a stream, as the API calls it; `nil` when nobody does.
    package func source(of name: StreamName) -> String? { streams[name]?.publisher?.source }

    /// Whether what is published now is to be recorded, or must not be; `nil` where its publisher's credential does not say.
    package func recordingWish(of name: StreamName) -> Bool? { streams[name]?.record }

    func announce(_ news: StreamNews) {
        for observer in observers { observer(news) }
    }

    /// The publisher has gone: its frames are over.
    func endFrames(of name: StreamName) {
        closeTap(of: name)
        streams[name]?.lane.end()
        guard streams[name]?.isAnnounced == true else { return }
        streams[name]?.isAnnounced = false
        announce(.unpublished(name))
    }

    // MARK: Taps

    /// Reads a session's packets as frames while somebody wants them.
    func settleTap(of name: StreamName) {
        endOtherLayers(of: name)
        guard let stream = streams[name] else { return }
        guard case .session = stream.publisher, stream.lane.hasReaders else {
            guard stream.tap != nil else { return }
            closeTap(of: name)
            stream.lane.end()
            return
        }
        guard stream.tap == nil else { return }
        var tracks: [TapSpecification.Track] = []
        for track in stream.tracks where !tracks.contains(where: { $0.codec.kind == track.description.kind }) {
            tracks.append(.init(codec: track.description.codec, layers: track.ids))
        }
        let (lane, layers, writer) = (stream.lane, stream.layerSlot, stream.lane.open())
        let tap = plane.openTap(of: tracks, owner: stream.owner) { output in
            writer.write(output)
            guard let layers = layers.lanes, writer.isHeard else { return }
            if case .began = output, let epoch = lane.epoch { layers.begin(epoch) } else { layers.write(output) }
        }
        streams[name]?.tap = tap
        openLayers(of: name, tap)
    }

    /// Begins to read anew: the tracks are others.
    func restartTap(of name: StreamName) {
        closeTap(of: name)
        settleTap(of: name)
    }

    private func closeTap(of name: StreamName) {
        guard let tap = streams[name]?.tap else { return }
        plane.closeTap(tap)
        streams[name]?.tap = nil
        streams[name]?.layerSlot.lanes?.end()
    }
}
