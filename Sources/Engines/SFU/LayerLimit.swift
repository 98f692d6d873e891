/// The highest layers that a viewer is sent of a stream.
package struct LayerLimit: Hashable, Sendable {
    package var spatial: UInt8
    package var temporal: UInt8

    /// No limit: whatever the stream has, and will have.
    package static let none = LayerLimit(spatial: 7, temporal: 7)

    package init(spatial: UInt8 = 7, temporal: UInt8 = 7) {
        self.spatial = spatial
        self.temporal = temporal
    }

    /// Whether packets of `layer` are sent.
    @inline(__always)
    package func admits(_ layer: PacketLayer) -> Bool {
        layer.spatial <= spatial && layer.temporal <= temporal
    }

    /// Whether this limit admits nothing that `other` does not.
    package func isWithin(_ other: LayerLimit) -> Bool {
        spatial <= other.spatial && temporal <= other.temporal
    }
}
