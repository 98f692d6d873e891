import MediaIO
package import Primitives
import SFU

/// Which layer of a picture its viewer wants (the layer extension of WHEP).
extension Gateway {
    /// Sends a viewer no higher layer than it wishes.
    ///
    /// - Parameters:
    ///   - layer: The publisher's name for it, or ours for layers inside a stream; `nil` for whatever the viewer's path
    ///     carries.
    ///   - numbers: How much of a stream with layers inside it wants at most, with or without a name.
    ///   - section: Which media section of the viewer's offer is meant; `nil` for the first with layers.
    ///   - id: The viewer's session.
    ///   - name: Its stream.
    /// - Throws: ``GatewayRefusal`` when there is no such session or layer; nothing has changed then.
    package func selectLayer(
        _ layer: String?,
        numbers: LayerNumbers = LayerNumbers(),
        section: Int?,
        session id: String,
        stream name: StreamName
    ) async throws(GatewayRefusal) {
        let session = try viewer(id, of: name)
        let stream = streams[name]
        let choices = session.pictures.compactMap { picture in
            stream?.track(of: picture, for: session).flatMap { $0.hasChoice ? (picture, $0) : nil }
        }
        guard let (picture, track) = choices.first(where: { section == nil || $0.0.section == section })
        else { throw Self.noLayers }
        let wish = try Self.wish(for: layer, numbers, of: track)
        plane.post(.limitLayer(session.peer, of: picture.track, to: wish), to: session.worker)
    }

    private static func wish(
        for layer: String?, _ numbers: LayerNumbers, of track: LiveStream.Track
    ) throws(GatewayRefusal) -> LayerWish? {
        // Encodings have no spatial layers inside; how many temporal ones they have is known to the media plane alone.
        guard numbers.spatial ?? 0 < track.stepCounts.spatialCount,
            !track.layers.isEmpty || numbers.temporal ?? 0 < track.stepCounts.temporalCount
        else { throw unknownNumber(track.stepCounts) }
        guard let layer else {
            return numbers.all.isEmpty ? nil : LayerWish(track: nil, limit: numbers.limit)
        }
        if let known = track.layers.first(where: { $0.name == layer }) {
            return LayerWish(track: known.id, limit: numbers.limit)
        }
        guard let step = track.steps.first(where: { $0.name == layer }) else {
            throw unknownLayer(known: track.layers.map(\.name) + track.steps.map(\.name))
        }
        let limit = LayerLimit(
            spatial: min(step.limit.spatial, numbers.limit.spatial),
            temporal: min(step.limit.temporal, numbers.limit.temporal))
        return LayerWish(track: track.id, limit: limit)
    }

    /// A viewer's session.
    func viewer(_ id: String, of name: StreamName) throws(GatewayRefusal) -> Session {
        guard let session = session(id, stream: name, kind: .viewer) else { throw unknownSession(id) }
        return session
    }

    private static let noLayers = GatewayRefusal(
        .noLayers,
        "There is nothing to choose from: this media section has no layers."
    )

    private static func unknownNumber(_ layers: StreamLayers) -> GatewayRefusal {
        GatewayRefusal(
            .unknownLayer,
            "The picture has no layer of this number. Counted from 0, it has \(layers.spatialCount) spatial and "
                + "\(layers.temporalCount) temporal ones inside.")
    }

    private static func unknownLayer(known: [String]) -> GatewayRefusal {
        GatewayRefusal(
            .unknownLayer, "The picture has no layer of this name. It has: \(known.joined(separator: ", ")).")
    }
}
