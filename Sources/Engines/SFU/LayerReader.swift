package import Media
import Primitives

/// Tells from the payloads of one stream which layer each packet belongs to.
///
/// VP8 and VP9 say so in each packet (RFC 7741 §4.2, RFC 9628 §4.2). H.264 only says of a frame that no other needs it
/// (nal_ref_idc, ITU-T H.264 7.4.1), and so does VP8 without layers: such frames are a temporal layer of their own. All
/// else is one layer. AV1 says so in a header extension (``DependencyDescriptor``), where its publisher agreed to send it.
///
/// Never fails: a payload that makes no sense is of the lowest layer, which everybody is sent. It takes packets in the order
/// in which they arrive; one that overtakes the beginning of its picture at worst hides that a viewer could begin there.
package struct LayerReader: Sendable {
    private let codec: Codec
    /// The picture that arrives: its timestamp at the publisher.
    private var picture: UInt32?
    /// H.264: whether the picture's first packet says that no other frame needs it.
    private var isDisposable = false
    /// VP9: temporal layers, a bit for each, that do not look back beyond the newest picture of a lower one.
    private var openLayers: UInt8 = 0
    /// VP9: whether viewers of the next lower temporal layer may begin with this picture.
    private var opensLayer = false
    /// VP9: the temporal layers of recent pictures, by the lowest seven bits of their identifiers; 0xFF for none.
    ///
    /// Empty before the first picture in flexible mode.
    private var recent: [UInt8] = []
    /// AV1: what the dependency descriptors say.
    private var dependencies = DependencyReader()
    /// AV1: what the log is to keep of the last packet's dependency descriptor, see ``KeptDescriptor``; empty for nothing.
    package private(set) var keptDescriptor: [UInt8] = []
    /// What the newest key frame says of the sizes of its spatial layers, from the lowest up; empty where it says nothing.
    package private(set) var sizes: [PictureSize] = []

    /// A reader that has seen nothing.
    package init(codec: Codec) {
        self.codec = codec
    }

    /// Reads a packet.
    ///
    /// - Parameters:
    ///   - payload: Of the RTP packet.
    ///   - timestamp: Of the RTP packet: it tells pictures apart.
    ///   - descriptor: The packet's dependency descriptor; empty where it has none.
    /// - Returns: Its layer; the lowest where nothing is said.
    /// - Complexity: O(1); allocates with the first picture of VP9 in flexible mode, with sizes, and with descriptors of AV1.
    package mutating func read(
        _ payload: Span<UInt8>, timestamp: UInt32, descriptor: Span<UInt8> = Span()
    ) -> PacketLayer {
        let isNewPicture = timestamp != picture
        defer { picture = timestamp }
        switch codec {
        case .h264: return readH264(payload, isNewPicture: isNewPicture)
        case .vp8: return readVP8(payload)
        case .vp9: return readVP9(payload, isNewPicture: isNewPicture)
        case .av1: return readAV1(descriptor, isNewPicture: isNewPicture)
        default: return .base
        }
    }

    /// The publisher has ended: nothing of what it said holds for the next one.
    package mutating func endSource() {
        var next = LayerReader(codec: codec)
        next.dependencies = dependencies
        next.dependencies.endSource()
        self = next
    }

    // MARK: - AV1

    private mutating func readAV1(_ descriptor: Span<UInt8>, isNewPicture: Bool) -> PacketLayer {
        let (layer, kept) = dependencies.read(descriptor, isNewPicture: isNewPicture)
        keptDescriptor = kept
        if let structure = dependencies.structure, sizes != structure.sizes { sizes = structure.sizes }
        return layer
    }

    // MARK: - VP8

    private func readVP8(_ payload: Span<UInt8>) -> PacketLayer {
        var reader = ByteReader(payload)
        guard let descriptor = try? VP8PayloadDescriptor(parsing: &reader) else { return .base }
        var layer = PacketLayer(temporal: descriptor.temporalLayer ?? (descriptor.isNonReference ? 1 : 0))
        layer.countsPictures = descriptor.pictureID != nil
        let isSync = descriptor.temporalLayer == nil ? descriptor.isNonReference : descriptor.isLayerSync
        layer.beginsTemporal = descriptor.startsFrame && isSync
        return layer
    }

    // MARK: - VP9

    private mutating func readVP9(_ payload: Span<UInt8>, isNewPicture: Bool) -> PacketLayer {
        var reader = ByteReader(payload)
        guard let descriptor = try? VP9PayloadDescriptor(parsing: &reader) else { return .base }
        let spatial = descriptor.spatialLayer ?? 0
        var layer = PacketLayer(spatial: spatial, temporal: descriptor.temporalLayer ?? 0)
        if isNewPicture { notePicture(descriptor) }
        if !descriptor.sizes.isEmpty { sizes = descriptor.sizes }
        layer.endsLayer = descriptor.endsFrame
        layer.beginsTemporal = descriptor.startsFrame && spatial == 0 && opensLayer
        // What needs no earlier picture needs at most the lower layers of its own.
        layer.beginsSpatial = descriptor.startsFrame && spatial > 0 && !descriptor.isInterPredicted
        return layer
    }

    private mutating func notePicture(_ descriptor: VP9PayloadDescriptor) {
        let temporal = descriptor.temporalLayer ?? 0
        opensLayer = openLayers & 1 << temporal != 0
        if let highest = highestReference(of: descriptor), highest < temporal { opensLayer = true }
        let higher = ~UInt8(0) << temporal & ~(1 << temporal)
        let isKey = !descriptor.isInterPredicted && (descriptor.spatialLayer ?? 0) == 0
        openLayers = descriptor.isSwitchingUpPoint || isKey ? openLayers | higher : openLayers & ~higher
        if let identifier = descriptor.pictureID, !recent.isEmpty { recent[Int(identifier & 0x7F)] = temporal }
    }

    /// The highest temporal layer that a picture in flexible mode needs; `nil` where that is not known.
    private mutating func highestReference(of descriptor: VP9PayloadDescriptor) -> UInt8? {
        guard descriptor.references.0 != 0, let identifier = descriptor.pictureID else { return nil }
        if recent.isEmpty { recent = Array(repeating: 0xFF, count: 128) }
        var highest: UInt8 = 0
        for distance in [descriptor.references.0, descriptor.references.1, descriptor.references.2] where distance > 0 {
            highest = max(highest, recent[Int((identifier &- UInt16(distance)) & 0x7F)])
        }
        return highest
    }

    // MARK: - H.264

    /// Only slices tell.
    ///
    /// A picture that begins with something else (supplemental information, parameter sets) is sent whole: its first
    /// packet has gone out before the slice is here.
    private mutating func readH264(_ payload: Span<UInt8>, isNewPicture: Bool) -> PacketLayer {
        let isSlice = Self.isUnneededSlice(payload)
        if isNewPicture { isDisposable = isSlice }
        guard isDisposable, isSlice else { return .base }
        var layer = PacketLayer(temporal: 1)
        layer.beginsTemporal = isNewPicture
        return layer
    }

    /// Whether a payload holds a slice of a picture that no other needs, and nothing that another needs.
    private static func isUnneededSlice(_ payload: Span<UInt8>) -> Bool {
        guard payload.count > 3, payload[0] & 0x60 == 0 else { return false }
        switch H264NALUnitType.of(payload[0]) {
        case H264NALUnitType.slice: return true
        case H264NALUnitType.fragmentA: return H264NALUnitType.of(payload[1]) == H264NALUnitType.slice
        case H264NALUnitType.aggregationA:
            // "The value of NRI MUST be the maximum of all the NAL units carried in the aggregation packet" (RFC 6184
            // §5.7): none of them is needed, if only one is a slice at all.
            var offset = 1
            while offset + 2 < payload.count {
                if H264NALUnitType.of(payload[offset + 2]) == H264NALUnitType.slice { return true }
                offset += 2 + (Int(payload[offset]) << 8 | Int(payload[offset + 1]))
            }
            return false
        default: return false
        }
    }
}
