import SFU

/// Numbers of layers inside a stream, counted from 0 for the lowest, as the layer extension of WHEP has them; `nil` where
/// nothing is said.
package struct LayerNumbers: Equatable, Sendable {
    /// The layer that is wanted, with all below it; it has to be there.
    package var spatial: Int?
    package var temporal: Int?
    /// The highest layer that is wanted, whether it is there or not.
    package var maximumSpatial: Int?
    package var maximumTemporal: Int?

    package init(
        spatial: Int? = nil, temporal: Int? = nil, maximumSpatial: Int? = nil, maximumTemporal: Int? = nil
    ) {
        self.spatial = spatial
        self.temporal = temporal
        self.maximumSpatial = maximumSpatial
        self.maximumTemporal = maximumTemporal
    }

    /// All that is said; each is wrong when negative.
    package var all: [Int] { [spatial, temporal, maximumSpatial, maximumTemporal].compactMap(\.self) }

    /// The limit that all of them together set.
    var limit: LayerLimit {
        func least(_ numbers: Int?...) -> UInt8 {
            UInt8(clamping: numbers.compactMap(\.self).reduce(Int(LayerLimit.none.spatial), min))
        }
        return LayerLimit(
            spatial: least(spatial, maximumSpatial), temporal: least(temporal, maximumTemporal))
    }
}
