package import Primitives

/// The bytes ahead of VP8 data in each RTP payload (RFC 7741 §4.2).
package struct VP8PayloadDescriptor: Hashable, Sendable {
    /// The first packet of the first partition.
    package var startsFrame: Bool
    package var isNonReference: Bool
    /// Seven or fifteen bits.
    package var pictureID: UInt16?
    package var temporalLayer: UInt8?

    /// Leaves `reader` at the first byte of VP8 data.
    @_lifetime(reader: copy reader)
    package init(parsing reader: inout ByteReader) throws(ParseError) {
        let first: UInt8 = try reader.readInteger()
        isNonReference = first & 0x20 != 0
        startsFrame = first & 0x10 != 0 && first & 0x07 == 0
        pictureID = nil
        temporalLayer = nil
        guard first & 0x80 != 0 else { return }
        let extensions: UInt8 = try reader.readInteger()
        if extensions & 0x80 != 0 { pictureID = try reader.readPictureID() }
        if extensions & 0x40 != 0 { try reader.skip(1) }  // TL0PICIDX
        if extensions & 0x30 != 0 {
            let layer: UInt8 = try reader.readInteger()
            if extensions & 0x20 != 0 { temporalLayer = layer >> 6 }
        }
    }
}

/// The bytes ahead of VP9 data in each RTP payload (RFC 9628 §4.2).
package struct VP9PayloadDescriptor: Hashable, Sendable {
    /// The first packet of a layer frame.
    package var startsFrame: Bool
    package var endsFrame: Bool
    /// Predicted from an earlier picture; layers above the first of a key picture are not.
    package var isInterPredicted: Bool
    package var pictureID: UInt16?
    package var temporalLayer: UInt8?
    package var spatialLayer: UInt8?
    /// Of the highest spatial layer, when a scalability structure states it.
    package var size: PictureSize?

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
        size = nil
        let isFlexible = first & 0x10 != 0
        if first & 0x80 != 0 { pictureID = try reader.readPictureID() }
        if first & 0x20 != 0 {
            let layer: UInt8 = try reader.readInteger()
            temporalLayer = layer >> 5
            spatialLayer = layer >> 1 & 7
            if !isFlexible { try reader.skip(1) }  // TL0PICIDX
        }
        if isFlexible, isInterPredicted { try Self.skipReferences(&reader) }
        if first & 0x02 != 0 { size = try Self.readScalabilityStructure(&reader) }
    }

    /// Up to three reference indices, each with a flag that says whether another follows.
    @_lifetime(reader: copy reader)
    private static func skipReferences(_ reader: inout ByteReader) throws(ParseError) {
        for _ in 0..<3 {
            let reference: UInt8 = try reader.readInteger()
            if reference & 1 == 0 { return }
        }
        throw .invalid(field: "VP9 reference indices")
    }

    @_lifetime(reader: copy reader)
    private static func readScalabilityStructure(_ reader: inout ByteReader) throws(ParseError) -> PictureSize? {
        let header: UInt8 = try reader.readInteger()
        var size: PictureSize?
        if header & 0x10 != 0 {
            for _ in 0...(header >> 5) {
                let width: UInt16 = try reader.readInteger()
                let height: UInt16 = try reader.readInteger()
                size = PictureSize(width: Int(width), height: Int(height))
            }
        }
        if header & 0x08 != 0 {
            let pictures: UInt8 = try reader.readInteger()
            for _ in 0..<pictures {
                let picture: UInt8 = try reader.readInteger()
                try reader.skip(Int(picture >> 2 & 3))
            }
        }
        return size
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
