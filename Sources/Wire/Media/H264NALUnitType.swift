/// The NAL unit types of H.264 that we tell apart (table 7-1, and RFC 6184 §5.2 for those that exist only in RTP).
package enum H264NALUnitType {
    package static let slice: UInt8 = 1
    package static let idrSlice: UInt8 = 5
    package static let supplementalEnhancement: UInt8 = 6
    package static let sequenceParameterSet: UInt8 = 7
    package static let pictureParameterSet: UInt8 = 8
    package static let accessUnitDelimiter: UInt8 = 9
    package static let fillerData: UInt8 = 12
    package static let aggregationA: UInt8 = 24
    package static let aggregationB: UInt8 = 25
    package static let fragmentA: UInt8 = 28
    package static let fragmentB: UInt8 = 29

    package static func of(_ header: UInt8) -> UInt8 { header & 0x1F }

    /// Whether a unit of this type may stand alone in an RTP payload: delimiters and filler only cost bandwidth, and
    /// the unspecified types would be read as aggregates or fragments.
    package static func travels(_ type: UInt8) -> Bool {
        type != accessUnitDelimiter && type != fillerData && (1..<24).contains(type)
    }
}

/// The NAL unit types of H.265 that we tell apart (table 7-1, and RFC 7798 §4.4 for those that exist only in RTP).
package enum H265NALUnitType {
    /// BLA, IDR and CRA pictures: decoding can start here.
    package static let randomAccess: ClosedRange<UInt8> = 16...21
    package static let videoParameterSet: UInt8 = 32
    package static let sequenceParameterSet: UInt8 = 33
    package static let pictureParameterSet: UInt8 = 34
    package static let accessUnitDelimiter: UInt8 = 35
    package static let fillerData: UInt8 = 38
    package static let aggregation: UInt8 = 48
    package static let fragment: UInt8 = 49

    package static func of(_ firstHeaderByte: UInt8) -> UInt8 { firstHeaderByte >> 1 & 0x3F }

    /// Whether a unit of this type may stand alone in an RTP payload; see ``H264NALUnitType/travels(_:)``.
    package static func travels(_ type: UInt8) -> Bool {
        type != accessUnitDelimiter && type != fillerData && type < aggregation
    }
}
