import Media
import Primitives
import RTP
import WebRTC

/// A track that a session sends: packets, their history, and the reports about them.
struct OutgoingTrack: Sendable {
    /// Packets that the server may have repeated in one second.
    private static let retransmissionsPerSecond = 1_024

    let negotiated: ClientTrack
    let ssrc: UInt32
    var configuration: CodecConfiguration?
    var statistics: OutgoingStatistics
    /// The sequence number of the last full intra request, whose repetitions ask for nothing new.
    var lastIntraRequest: UInt8?
    private var packetizer: RTPPacketizer
    private let timestampBase: UInt32
    private var sequences = SequenceUnwrapper()
    private var history = SentPackets()
    /// The extended number of the next retransmission, which has a stream of its own (RFC 4588).
    private var nextRetransmission: UInt64
    private var retransmissionCredit = retransmissionsPerSecond
    /// A decoder can do nothing with frames before the first key frame.
    private var hasStarted: Bool

    init(_ negotiated: ClientTrack, ssrc: UInt32, using generator: inout any RandomNumberGenerator & Sendable) {
        self.negotiated = negotiated
        self.ssrc = ssrc
        let codec = negotiated.description.codec
        statistics = OutgoingStatistics(codec: codec)
        packetizer = RTPPacketizer(
            codec: codec,
            payloadType: negotiated.payloadType,
            ssrc: ssrc,
            firstSequenceNumber: UInt16.random(in: 0...0x7FFF, using: &generator)
        )
        timestampBase = .random(in: 0...(.max), using: &generator)
        nextRetransmission = .random(in: 0...0x7FFF, using: &generator)
        hasStarted = codec.kind == .audio
    }

    /// A packet, and the index it must be encrypted with.
    struct Packet {
        var bytes: [UInt8]
        var ssrc: UInt32
        var index: UInt64
    }

    /// The RTP timestamp of a media time in microseconds.
    func timestamp(_ time: Int64) -> UInt32 {
        let ticks = Interval.microseconds(time).ticks(atRate: negotiated.description.codec.clockRate)
        return timestampBase &+ UInt32(truncatingIfNeeded: ticks)
    }

    /// Cuts a frame into packets; none before the first key frame, nor for a frame that its codec's format cannot carry.
    mutating func packets(of frame: EncodedFrame) -> [Packet] {
        guard hasStarted || frame.isKeyFrame else { return [] }
        var burst = PacketBurst(capacity: frame.payload.count + frame.payload.count / 32 + 256)
        do throws(ParseError) {
            try packetizer.packetize(
                frame,
                configuration: configuration,
                timestamp: timestamp(frame.presentationTime),
                into: &burst
            )
        } catch {
            statistics.refused += 1
            return []
        }
        hasStarted = true
        statistics.frames += 1
        if frame.isKeyFrame { statistics.keyFrames += 1 }
        statistics.packets += Int64(burst.entries.count)
        return burst.entries.map { entry in
            let bytes = Array(burst.bytes[Int(entry.offset)..<Int(entry.offset + entry.length)])
            statistics.bytes += Int64(bytes.count - RTPHeader.fixedLength)
            let number = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
            let index = UInt64(sequences.unwrap(number))
            history.store(bytes, index: index)
            return Packet(bytes: bytes, ssrc: ssrc, index: index)
        }
    }

    /// The answer to a NACK.
    ///
    /// With RTX it is a packet of its own behind the original number (RFC 4588 §4), else the same packet again.
    mutating func retransmission(_ sequenceNumber: UInt16) -> Packet? {
        guard retransmissionCredit > 0, let packet = history.packet(sequenceNumber) else { return nil }
        retransmissionCredit -= 1
        statistics.retransmissions += 1
        guard let payloadType = negotiated.rtxPayloadType, let rtxSSRC = negotiated.rtxSSRC else {
            return Packet(bytes: packet.bytes, ssrc: ssrc, index: packet.index)
        }
        let header = packet.bytes[..<RTPHeader.fixedLength]
        var bytes: [UInt8] = []
        bytes.reserveCapacity(packet.bytes.count + 2)
        let index = nextRetransmission
        nextRetransmission += 1
        RTPHeader.append(
            to: &bytes,
            payloadType: payloadType,
            marker: header[1] & 0x80 != 0,
            sequenceNumber: UInt16(truncatingIfNeeded: index),
            timestamp: header[4..<8].reduce(0) { $0 << 8 | UInt32($1) },
            ssrc: rtxSSRC
        )
        bytes.append(contentsOf: header[2..<4])
        bytes.append(contentsOf: packet.bytes[RTPHeader.fixedLength...])
        return Packet(bytes: bytes, ssrc: rtxSSRC, index: index)
    }

    /// Notes what the server says about the stream.
    mutating func receive(_ block: ReportBlock, at time: NTPTime) {
        statistics.lost = Int64(max(block.cumulativeLost, 0))
        statistics.jitter = Interval(
            ticks: Int64(block.jitter),
            atRate: negotiated.description.codec.clockRate
        )
        if let roundTrip = block.roundTripTime(at: time) { statistics.roundTrip = roundTrip }
    }

    /// The report for now, when the media clock stands at `mediaTime` microseconds; `nil` before the first packet.
    mutating func report(at time: NTPTime, mediaTime: Int64) -> SenderReport? {
        retransmissionCredit = Self.retransmissionsPerSecond
        guard statistics.packets > 0 else { return nil }
        return SenderReport(
            ssrc: ssrc,
            ntpTime: time,
            rtpTimestamp: timestamp(mediaTime),
            packetCount: UInt32(truncatingIfNeeded: statistics.packets),
            octetCount: UInt32(truncatingIfNeeded: statistics.bytes)
        )
    }
}
