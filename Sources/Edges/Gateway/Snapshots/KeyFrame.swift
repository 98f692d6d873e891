import Media

/// A picture that can be decoded by itself, and what its decoder must know.
struct KeyFrame: Sendable {
    /// Tells it from every other one of its stream.
    struct ID: Hashable, Sendable {
        var epoch: UInt64
        var decodeTime: Int64
    }

    /// Of its publisher; see ``PublishEpoch/number``.
    var epoch: UInt64
    var configuration: CodecConfiguration
    var frame: EncodedFrame

    var id: ID { ID(epoch: epoch, decodeTime: frame.decodeTime) }
}
