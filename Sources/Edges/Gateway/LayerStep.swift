import Media
import MediaIO
import SFU

/// Something that a viewer can be sent of a stream with layers inside, by a name of ours: these layers have none.
struct LayerStep: Equatable {
    var limit: LayerLimit
    var name: String
    var width: Int?
    var height: Int?

    /// The highest layers of each kind in it, counted from 0; `nil` where there is one of them alone.
    var spatial: Int?
    var temporal: Int?

    /// All steps of a stream, from the least to everything.
    static func all(of layers: StreamLayers) -> [LayerStep] {
        layers.steps.map { limit in
            let (spatial, temporal) = numbers(of: limit, in: layers)
            let size = layers.sizes.count == layers.spatialCount ? layers.sizes[spatial] : nil
            return LayerStep(
                limit: limit, name: name(of: limit, in: layers), width: size?.width, height: size?.height,
                spatial: layers.spatialCount > 1 ? spatial : nil,
                temporal: layers.temporalCount > 1 ? temporal : nil)
        }
    }

    /// `S1T2` for the second spatial and the third temporal layer, and what is below them; the half of it that says
    /// something where the stream has layers of one kind.
    static func name(of limit: LayerLimit, in layers: StreamLayers) -> String {
        let (spatial, temporal) = numbers(of: limit, in: layers)
        return (layers.spatialCount > 1 ? "S\(spatial)" : "") + (layers.temporalCount > 1 ? "T\(temporal)" : "")
    }

    /// The highest layers that a limit admits.
    private static func numbers(of limit: LayerLimit, in layers: StreamLayers) -> (spatial: Int, temporal: Int) {
        (min(Int(limit.spatial), layers.spatialCount - 1), min(Int(limit.temporal), layers.temporalCount - 1))
    }
}

extension Gateway {
    /// A track has turned out to have layers inside, or has none any more.
    func note(_ layers: StreamLayers, of id: TrackID) {
        for name in streams.keys {
            guard let index = streams[name]?.tracks.firstIndex(where: { $0.id == id && $0.layers.isEmpty }) else {
                continue
            }
            streams[name]?.tracks[index].steps = LayerStep.all(of: layers)
            streams[name]?.tracks[index].stepCounts = layers
        }
    }
}

extension MediaReport.Track {
    /// Bits per second of a step; 0 while it is not measured.
    func bitrate(ofStep index: Int) -> Int {
        stepBitrates.indices.contains(index) ? Int(stepBitrates[index]) : 0
    }
}
