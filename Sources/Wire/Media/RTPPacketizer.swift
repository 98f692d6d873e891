package import Primitives
package import RTP

/// Cuts the frames of one track into RTP packets.
///
/// The parts of a cut unit all have the same size, except that the last one may be a few bytes shorter: a run of
/// packets of one size leaves the machine as one datagram group.
package struct RTPPacketizer: Sendable {
    package let codec: Codec
    package let payloadType: UInt8
    package let ssrc: UInt32
    /// The most bytes behind the twelve-byte RTP header.
    package let maximumPayloadSize: Int
    /// The number the next packet will carry.
    package private(set) var nextSequenceNumber: UInt16
    /// The picture identifier of VP8 and VP9, 15 bits.
    var pictureID: UInt16

    /// - Precondition: `maximumPayloadSize` is at least 64.
    package init(
        codec: Codec,
        payloadType: UInt8,
        ssrc: UInt32,
        firstSequenceNumber: UInt16,
        maximumPayloadSize: Int = 1_154
    ) {
        precondition(maximumPayloadSize >= 64, "a payload must hold more than its own headers")
        self.codec = codec
        self.payloadType = payloadType
        self.ssrc = ssrc
        self.maximumPayloadSize = maximumPayloadSize
        nextSequenceNumber = firstSequenceNumber
        pictureID = firstSequenceNumber & 0x7FFF
    }

    /// Appends the packets of `frame` to `burst`, the marker on the last one of a video frame.
    ///
    /// A frame that holds nothing to send (only delimiters or filler) leaves the burst as it was. After an error
    /// the burst and the packetizer are as before.
    ///
    /// - Parameters:
    ///   - frame: A frame of ``codec``, laid out as ``EncodedFrame/payload`` says.
    ///   - configuration: Parameter sets to send ahead of a key frame that does not bring its own.
    ///   - timestamp: The RTP timestamp of all its packets; of the first one when G.711 is cut.
    ///   - burst: Receives the packets, behind those it already holds.
    /// - Throws: ``ParseError`` when the payload is not what the codec prescribes, or an audio packet is too large.
    package mutating func packetize(
        _ frame: EncodedFrame,
        configuration: CodecConfiguration?,
        timestamp: UInt32,
        into burst: inout PacketBurst
    ) throws(ParseError) {
        guard frame.codec == codec else { throw .invalid(field: "codec of the frame") }
        switch codec {
        case .h264: try packetizeH264(frame, configuration: configuration, timestamp: timestamp, into: &burst)
        case .h265: try packetizeH265(frame, configuration: configuration, timestamp: timestamp, into: &burst)
        case .vp8: try packetizeVP8(frame, timestamp: timestamp, into: &burst)
        case .vp9: try packetizeVP9(frame, timestamp: timestamp, into: &burst)
        case .av1: try packetizeAV1(frame, configuration: configuration, timestamp: timestamp, into: &burst)
        case .opus: try packetizeOpus(frame, timestamp: timestamp, into: &burst)
        case .pcmu, .pcma: packetizeG711(frame, timestamp: timestamp, into: &burst)
        case .aac: throw .invalid(field: "codec without an RTP payload format")
        }
    }

    /// Appends one packet whose payload `body` writes, and moves the sequence number on.
    mutating func append(
        marker: Bool,
        timestamp: UInt32,
        to burst: inout PacketBurst,
        payload body: (inout [UInt8]) -> Void
    ) {
        let sequenceNumber = nextSequenceNumber
        nextSequenceNumber &+= 1
        burst.append { bytes in
            RTPHeader.append(
                to: &bytes,
                payloadType: payloadType,
                marker: marker,
                sequenceNumber: sequenceNumber,
                timestamp: timestamp,
                ssrc: ssrc
            )
            body(&bytes)
        }
    }
}

/// How a run of bytes is cut into parts of one size, of which only the last may be shorter.
struct EqualParts: Sequence, IteratorProtocol {
    private let end: Int
    private let size: Int
    private var start: Int

    /// - Parameters:
    ///   - range: What to cut; an empty range has no parts.
    ///   - maximum: The most bytes of a part.
    init(_ range: Range<Int>, maximum: Int) {
        precondition(maximum > 0, "a part holds at least one byte")
        let count = (range.count + maximum - 1) / maximum
        size = count == 0 ? maximum : (range.count + count - 1) / count
        start = range.lowerBound
        end = range.upperBound
    }

    mutating func next() -> Range<Int>? {
        guard start < end else { return nil }
        let part = start..<Swift.min(start + size, end)
        start = part.upperBound
        return part
    }
}
