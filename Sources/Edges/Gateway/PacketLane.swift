import Media
import MediaIO
import Primitives
import RTP

/// The packets of one track, made of its frames.
struct PacketLane {
    private(set) var packetizer: RTPPacketizer
    let track: TrackID
    let timestampBase: UInt32
    var framesSinceClock = 0

    /// Audio frames after which the clock is told again.
    private static let audioClockInterval = 50

    init(_ track: TrackID, _ codec: Codec) {
        self.track = track
        packetizer = RTPPacketizer(
            codec: codec,
            payloadType: 96,
            ssrc: track,
            firstSequenceNumber: UInt16.random(in: 0...(.max))
        )
        timestampBase = UInt32.random(in: 0...(.max))
    }

    var codec: Codec { packetizer.codec }

    /// The packets of a frame for the media plane, with the clock when it is time for it.
    ///
    /// - Parameters:
    ///   - frame: Of the lane's codec.
    ///   - configuration: What key frames bring along.
    ///   - epoch: Unix nanoseconds at media time 0.
    /// - Returns: `nil` for a frame that cannot be packetized.
    mutating func packets(
        of frame: EncodedFrame,
        configuration: CodecConfiguration?,
        epoch: Int64
    ) -> MediaCommand? {
        let rate = Int64(frame.codec.clockRate)
        let ticks = frame.presentationTime / 1_000_000 * rate + frame.presentationTime % 1_000_000 * rate / 1_000_000
        let timestamp = timestampBase &+ UInt32(truncatingIfNeeded: ticks)
        var burst = PacketBurst(capacity: frame.payload.count + frame.payload.count / 32 + 256)
        guard
            (try? packetizer.packetize(frame, configuration: configuration, timestamp: timestamp, into: &burst)) != nil
        else { return nil }
        let tellsClock =
            frame.codec.kind == .video ? frame.isKeyFrame : framesSinceClock % Self.audioClockInterval == 0
        framesSinceClock += 1
        let clock =
            tellsClock
            ? ClockReference(
                timestamp: timestamp,
                ntpTime: NTPTime(unixNanoseconds: epoch &+ frame.presentationTime &* 1000)
            )
            : nil
        return .burst(track, burst, clock)
    }
}
