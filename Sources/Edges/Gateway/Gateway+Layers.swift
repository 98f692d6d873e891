import MediaIO
package import Primitives

/// Which layer of a picture its viewer wants (the layer extension of WHEP).
extension Gateway {
    /// Sends a viewer no higher layer than it wishes.
    ///
    /// - Parameters:
    ///   - layer: The publisher's name for it, or ours for layers inside a stream; `nil` for whatever the viewer's path
    ///     carries.
    ///   - section: Which media section of the viewer's offer is meant; `nil` for the first with layers.
    ///   - id: The viewer's session.
    ///   - name: Its stream.
    /// - Throws: ``GatewayRefusal`` when there is no such session or layer; nothing has changed then.
    package func selectLayer(
        _ layer: String?,
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
        var wished: LayerWish?
        if let layer {
            if let known = track.layers.first(where: { $0.name == layer }) {
                wished = LayerWish(track: known.id)
            } else if let step = track.steps.first(where: { $0.name == layer }) {
                wished = LayerWish(track: track.id, limit: step.limit)
            } else {
                throw Self.unknownLayer(known: track.layers.map(\.name) + track.steps.map(\.name))
            }
        }
        plane.post(.limitLayer(session.peer, of: picture.track, to: wished), to: session.worker)
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

    private static func unknownLayer(known: [String]) -> GatewayRefusal {
        GatewayRefusal(
            .unknownLayer, "The picture has no layer of this name. It has: \(known.joined(separator: ", ")).")
    }
}
