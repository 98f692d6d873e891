import Media
import Primitives

/// A frame of H.264 or H.265 in the form of ``EncodedFrame/payload``, with what its NAL units say about it.
struct AccessUnit {
    /// NAL units behind four-byte lengths.
    var payload: [UInt8]
    /// Whether a decoder can start here.
    ///
    /// The tag's own flag is not trusted: some encoders set it on
    /// recovery points, from which a browser cannot start.
    var isKeyFrame: Bool

    /// Splits `bytes`, whose NAL units stand behind lengths of `lengthSize` (1, 2 or 4) bytes.
    ///
    /// `nil` when there is no NAL unit in it at all; throws when a length reaches beyond the end.
    init?(_ bytes: [UInt8], codec: Codec, lengthSize: Int) throws(ParseError) {
        let units = try NALUnits.ranges(lengthPrefixed: bytes.span, lengthSize: lengthSize)
        guard !units.isEmpty else { return nil }
        isKeyFrame = units.contains { unit in Self.startsSequence(bytes[unit.lowerBound], codec: codec) }
        payload = try NALUnits.normalize(bytes, lengthSize: lengthSize)
    }

    /// Whether a NAL unit with this first byte belongs to a picture that needs no other.
    private static func startsSequence(_ firstByte: UInt8, codec: Codec) -> Bool {
        switch codec {
        case .h264: firstByte & 0x1F == 5  // coded slice of an IDR picture
        case .h265: (16...21).contains(firstByte >> 1 & 0x3F)  // BLA, IDR and CRA pictures
        default: false
        }
    }
}
