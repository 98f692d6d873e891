/// Where a packet stands among the layers inside its stream, and what a viewer may begin with there.
///
/// Two bytes, because the packet log keeps one of them for each packet. A stream without layers is all ``base``.
package struct PacketLayer: Equatable, Sendable {
    private var bits: UInt16 = 0

    /// A packet that no viewer can do without.
    package static let base = PacketLayer()

    /// A layer of the given numbers; only their lowest three bits count.
    package init(spatial: UInt8 = 0, temporal: UInt8 = 0) {
        bits = UInt16(spatial & 7) | UInt16(temporal & 7) << 3
    }

    /// The spatial layer, 0...7: how large the picture is.
    package var spatial: UInt8 { UInt8(truncatingIfNeeded: bits & 7) }
    /// The temporal layer, 0...7: how often there is one.
    ///
    /// Where a stream does not number its layers, frames that no other needs are of layer 1.
    package var temporal: UInt8 { UInt8(truncatingIfNeeded: bits >> 3 & 7) }

    /// Whether this is the last packet of its layer in the picture.
    package var endsLayer: Bool {
        get { bits & 0x40 != 0 }
        set { set(0x40, newValue) }
    }

    /// Whether a viewer of the next lower spatial layer may take this one from here on.
    package var beginsSpatial: Bool {
        get { bits & 0x80 != 0 }
        set { set(0x80, newValue) }
    }

    /// Whether a viewer of the next lower temporal layer may take this one from here on.
    package var beginsTemporal: Bool {
        get { bits & 0x100 != 0 }
        set { set(0x100, newValue) }
    }

    /// Whether decoders count pictures, and must not see that one was left out (VP8).
    package var countsPictures: Bool {
        get { bits & 0x200 != 0 }
        set { set(0x200, newValue) }
    }

    /// Whether the packet log keeps a dependency descriptor with the packet (AV1).
    package internal(set) var hasDescriptor: Bool {
        get { bits & 0x400 != 0 }
        set { set(0x400, newValue) }
    }

    private mutating func set(_ flag: UInt16, _ isSet: Bool) {
        bits = isSet ? bits | flag : bits & ~flag
    }
}
