package import Primitives

/// The bytes ahead of VP8 data in each RTP payload (RFC 7741 §4.2).
package struct VP8PayloadDescriptor: Hashable, Sendable {
    /// The first packet of the first partition.
    package var startsFrame: Bool
    package var isNonReference: Bool
    /// Seven or fifteen bits.
    package var pictureID: UInt16?
    package var temporalLayer: UInt8?
    /// Y: the frame needs no other than frames of the lowest temporal layer.
    package var isLayerSync: Bool

    /// Leaves `reader` at the first byte of VP8 data.
    @_lifetime(reader: copy reader)
    package init(parsing reader: inout ByteReader) throws(ParseError) {
        let first: UInt8 = try reader.readInteger()
        isNonReference = first & 0x20 != 0
        startsFrame = first & 0x10 != 0 && first & 0x07 == 0
        pictureID = nil
        temporalLayer = nil
        isLayerSync = false
        guard first & 0x80 != 0 else { return }
        let extensions: UInt8 = try reader.readInteger()
        if extensions & 0x80 != 0 { pictureID = try reader.readPictureID() }
        if extensions & 0x40 != 0 { try reader.skip(1) }  // TL0PICIDX
        if extensions & 0x30 != 0 {
            let layer: UInt8 = try reader.readInteger()
            if extensions & 0x20 != 0 {
                temporalLayer = layer >> 6
                isLayerSync = layer & 0x20 != 0
            }
        }
    }
}

/// The bytes ahead of VP9 data in each RTP payload (RFC 9628 §4.2).
package struct VP9PayloadDescriptor: Sendable {
    /// The first packet of a layer frame.
    package var startsFrame: Bool
    package var endsFrame: Bool
    /// Predicted from an earlier picture; layers above the first of a key picture are not.
    package var isInterPredicted: Bool
    package var pictureID: UInt16?
    package var temporalLayer: UInt8?
    package var spatialLayer: UInt8?
    /// U: no later picture of a higher temporal layer needs one of those layers from before this picture.
    package var isSwitchingUpPoint: Bool
    /// How many pictures ago those were that this one is predicted from, in flexible mode; 0 where there are fewer.
    package var references: (UInt8, UInt8, UInt8) = (0, 0, 0)
    /// Of each spatial layer, when a scalability structure states them.
    package var sizes: [PictureSize] = []
    /// Of the highest spatial layer.
    package var size: PictureSize? { sizes.last }

    /// Leaves `reader` at the first byte of VP9 data.
    @_lifetime(reader: copy reader)
    package init(parsing reader: inout ByteReader) throws(ParseError) {
        let first: UInt8 = try reader.readInteger()
        isInterPredicted = first & 0x40 != 0
        startsFrame = first & 0x08 != 0
        endsFrame = first & 0x04 != 0
        pictureID = nil
        temporalLayer = nil
        spatialLayer = nil
        isSwitchingUpPoint = false
        let isFlexible = first & 0x10 != 0
        if first & 0x80 != 0 { pictureID = try reader.readPictureID() }
        if first & 0x20 != 0 {
            let layer: UInt8 = try reader.readInteger()
            temporalLayer = layer >> 5
            isSwitchingUpPoint = layer & 0x10 != 0
            spatialLayer = layer >> 1 & 7
            if !isFlexible { try reader.skip(1) }  // TL0PICIDX
        }
        if isFlexible, isInterPredicted { references = try Self.readReferences(&reader) }
        if first & 0x02 != 0 { sizes = try Self.readScalabilityStructure(&reader) }
    }

    /// Up to three reference indices, each with a flag that says whether another follows.
    @_lifetime(reader: copy reader)
    private static func readReferences(_ reader: inout ByteReader) throws(ParseError) -> (UInt8, UInt8, UInt8) {
        let first: UInt8 = try reader.readInteger()
        guard first & 1 != 0 else { return (first >> 1, 0, 0) }
        let second: UInt8 = try reader.readInteger()
        guard second & 1 != 0 else { return (first >> 1, second >> 1, 0) }
        let third: UInt8 = try reader.readInteger()
        guard third & 1 == 0 else { throw .invalid(field: "VP9 reference indices") }
        return (first >> 1, second >> 1, third >> 1)
    }

    @_lifetime(reader: copy reader)
    private static func readScalabilityStructure(_ reader: inout ByteReader) throws(ParseError) -> [PictureSize] {
        let header: UInt8 = try reader.readInteger()
        var sizes: [PictureSize] = []
        if header & 0x10 != 0 {
            for _ in 0...(header >> 5) {
                let width: UInt16 = try reader.readInteger()
                let height: UInt16 = try reader.readInteger()
                sizes.append(PictureSize(width: Int(width), height: Int(height)))
            }
        }
        if header & 0x08 != 0 {
            let pictures: UInt8 = try reader.readInteger()
            for _ in 0..<pictures {
                let picture: UInt8 = try reader.readInteger()
                try reader.skip(Int(picture >> 2 & 3))
            }
        }
        return sizes
    }
}

/// Width and height of a picture in luma samples.
package struct PictureSize: Hashable, Sendable {
    package var width: Int
    package var height: Int

    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }
}

extension ByteReader {
    /// Reads the seven or fifteen bits of a picture identifier; the highest bit says which.
    @_lifetime(self: copy self)
    fileprivate mutating func readPictureID() throws(ParseError) -> UInt16 {
        let first: UInt8 = try readInteger()
        guard first & 0x80 != 0 else { return UInt16(first) }
        let second: UInt8 = try readInteger()
        return UInt16(first & 0x7F) << 8 | UInt16(second)
    }
}
