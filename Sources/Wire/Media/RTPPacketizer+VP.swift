import Primitives
import RTP

/// The RTP payload formats for VP8 (RFC 7741) and VP9 (RFC 9628), one layer, with 15-bit picture identifiers.
extension RTPPacketizer {
    mutating func packetizeVP8(
        _ frame: EncodedFrame,
        timestamp: UInt32,
        into burst: inout PacketBurst
    ) throws(ParseError) {
        guard !frame.payload.isEmpty else { throw .invalid(field: "empty VP8 frame") }
        let pictureID = takePictureID()
        for part in EqualParts(frame.payload.indices, maximum: maximumPayloadSize - 4) {
            let isEnd = part.upperBound == frame.payload.count
            append(marker: isEnd, timestamp: timestamp, to: &burst) { bytes in
                bytes.append(0x80 | (part.lowerBound == 0 ? 0x10 : 0))  // X, S; partition 0
                bytes.append(0x80)  // I: a picture identifier follows
                bytes.append(0x80 | UInt8(truncatingIfNeeded: pictureID >> 8))
                bytes.append(UInt8(truncatingIfNeeded: pictureID))
                bytes.append(contentsOf: frame.payload[part])
            }
        }
    }

    mutating func packetizeVP9(
        _ frame: EncodedFrame,
        timestamp: UInt32,
        into burst: inout PacketBurst
    ) throws(ParseError) {
        guard !frame.payload.isEmpty else { throw .invalid(field: "empty VP9 frame") }
        let pictureID = takePictureID()
        let isInterPredicted: UInt8 = frame.isKeyFrame ? 0 : 0x40
        for part in EqualParts(frame.payload.indices, maximum: maximumPayloadSize - 3) {
            let isEnd = part.upperBound == frame.payload.count
            append(marker: isEnd, timestamp: timestamp, to: &burst) { bytes in
                bytes.append(
                    0x80 | isInterPredicted | (part.lowerBound == 0 ? 0x08 : 0) | (isEnd ? 0x04 : 0)
                )  // I, P, B, E
                bytes.append(0x80 | UInt8(truncatingIfNeeded: pictureID >> 8))
                bytes.append(UInt8(truncatingIfNeeded: pictureID))
                bytes.append(contentsOf: frame.payload[part])
            }
        }
    }

    private mutating func takePictureID() -> UInt16 {
        defer { pictureID = (pictureID &+ 1) & 0x7FFF }
        return pictureID
    }
}
