package import Primitives

/// One track on its way to one viewer: which packet comes next, and under which numbers it leaves.
///
/// A packet's sequence number and timestamp at the viewer are pure functions of its place in the
/// ``PacketLog`` and of constants held here. That keeps the per-viewer state small and makes a
/// retransmission identical to the packet first sent, byte for byte. Where layers of the stream are
/// left out, there is a constant for each piece between them, see ``SequenceMap``.
package struct Forwarder: Sendable {
    /// How far along a viewer is.
    package enum Phase: Equatable, Sendable {
        /// Nothing can be sent yet: the track has no key frame to begin with.
        case waiting(since: Instant)
        /// Catching up through the group of pictures, at the replay's own pace.
        case replaying
        /// Each burst leaves as it comes.
        case live
        /// Too late: goes on with the first key frame behind this place of the track.
        case held(after: Int64)
        /// The viewer's path cannot carry the track; nothing is sent until that changes.
        case paused
    }

    /// What a packet is called at this viewer.
    package struct Numbers: Equatable, Sendable {
        /// ROC << 16 | SEQ, as SRTP counts (RFC 3711 §3.3.1).
        package var index: UInt64
        package var timestamp: UInt32

        package init(index: UInt64, timestamp: UInt32) {
            self.index = index
            self.timestamp = timestamp
        }

        package var sequenceNumber: UInt16 { UInt16(truncatingIfNeeded: index) }
    }

    package let ssrc: UInt32
    package let payloadType: UInt8
    private var retransmission: Retransmission?
    /// What stands in the header of each packet behind the fixed part.
    package let headerExtension: HeaderExtensionTemplate
    /// The id of dependency descriptors, 1...14; 0 where they were not agreed.
    package let descriptorID: UInt8
    /// Added to the frame numbers of dependency descriptors.
    package private(set) var frameShift: UInt16 = 0
    package let isVideo: Bool
    /// The viewer's slot in the worker's peer table.
    package let peer: Int

    package private(set) var phase: Phase
    /// Log index of the next packet to send; meaningless while waiting.
    package var cursor = 0
    /// Replay allowance in bytes; see ``ReplayPace``.
    package var pace = ReplayPace()

    /// The viewer's number of the first packet.
    private let firstNumber: Int64
    var map: SequenceMap
    /// The highest packet that was sent or left out.
    var highestSequence: Int64 = .min
    var timestamps: TimestampMap
    /// What the viewer is to be sent of a stream with layers.
    package var wantedLimit = LayerLimit.none
    /// The picture of the last packet in order, and whether that packet was left out.
    var pictureTimestamp: Int64 = .min
    var isLeavingOut = false

    /// For sender reports: packets and payload octets sent, wrapping (RFC 3550 §6.4.1).
    package private(set) var packetsSent: UInt32 = 0
    package private(set) var octetsSent: UInt32 = 0

    /// RTX of this track (RFC 4588).
    package struct Retransmission: Sendable {
        package var ssrc: UInt32
        package var payloadType: UInt8
        /// ROC << 16 | SEQ of the next RTX packet.
        package var nextIndex: UInt64

        package init(ssrc: UInt32, payloadType: UInt8, firstSequenceNumber: UInt16) {
            self.ssrc = ssrc
            self.payloadType = payloadType
            nextIndex = UInt64(firstSequenceNumber & 0x7FFF)
        }
    }

    /// A forwarder that waits; `firstSequenceNumber` and `timestampOffset` should be random.
    ///
    /// The upper bit of the sequence number is cleared so that the receiver's rollover counter starts at 0 for certain
    /// (RFC 3711 §3.3.1 asks for a start below 2^15).
    package init(
        peer: Int,
        ssrc: UInt32,
        payloadType: UInt8,
        retransmission: Retransmission?,
        headerExtension: HeaderExtensionTemplate = HeaderExtensionTemplate(),
        descriptorID: UInt8 = 0,
        isVideo: Bool,
        firstSequenceNumber: UInt16,
        timestampOffset: UInt32,
        at now: Instant
    ) {
        self.peer = peer
        self.ssrc = ssrc
        self.payloadType = payloadType
        self.retransmission = retransmission
        self.headerExtension = headerExtension
        self.descriptorID = descriptorID
        self.isVideo = isVideo
        phase = .waiting(since: now)
        firstNumber = Int64(firstSequenceNumber & 0x7FFF)
        // Nothing has a number before the start.
        map = SequenceMap(start: .max, number: firstNumber)
        timestamps = TimestampMap(offset: Int64(timestampOffset))
    }

    /// When a packet last said when it was captured; see ``tellsCaptureTime(of:at:)``.
    private var captureTimeToldAt: Instant?
    /// Receivers work capture times out for five seconds after one; told this often, few are left without.
    private static let captureTimeInterval = Interval.seconds(1)
    /// The same for the beginning of a key frame, which has several packets that begin it.
    private static let keyFrameCaptureTimeInterval = Interval.milliseconds(100)

    /// Whether a packet should say when it was captured: about once a second, and at key frames.
    ///
    /// Not during a replay, whose timestamps are squeezed: what receivers would work out from them would be false.
    @inline(__always)
    package mutating func tellsCaptureTime(of record: PacketRecord, at now: Instant) -> Bool {
        guard headerExtension.captureTimeID != 0, phase == .live else { return false }
        let interval = record.startsKeyFrame ? Self.keyFrameCaptureTimeInterval : Self.captureTimeInterval
        if let told = captureTimeToldAt, now - told < interval { return false }
        captureTimeToldAt = now
        return true
    }

    /// Added to media times by the live mapping, which sender reports describe.
    package var timestampOffset: Int64 { timestamps.offset }
    /// What is added to the picture identifiers of VP8 in the packets that come next.
    package var pictures: VP8PictureShift { map.newest.pictures }
    /// Whether anything has been sent.
    package var hasStarted: Bool { highestSequence != .min }

    // MARK: Starting

    /// Starts with the packet at `index`, live.
    package mutating func startLive(atIndex index: Int, sequence: Int64) {
        begin(atIndex: index, sequence: sequence)
        timestamps = TimestampMap(offset: timestamps.offset)
        phase = .live
    }

    /// Starts by replaying a group of pictures, which takes `duration` until it has caught up with the live edge.
    ///
    /// `newest` is the newest media time of the track.
    package mutating func startReplay(
        of group: PacketLog.GroupOfPictures,
        newest: Int64,
        duration: Interval,
        clockRate: Int
    ) {
        begin(atIndex: group.startIndex, sequence: group.startSequence)
        let caughtUp = newest + max(duration.ticks(atRate: clockRate), 1)
        timestamps = TimestampMap(
            offset: timestamps.offset,
            replayFrom: group.startTimestamp,
            joined: newest,
            caughtUp: caughtUp
        )
        phase = .replaying
    }

    /// Goes on with another layer of the same picture, live, from its key frame at `index`.
    ///
    /// - Parameters:
    ///   - index: The key frame's first packet in the new layer's log.
    ///   - sequence: That packet's sequence number there.
    ///   - timestamp: Its media time there.
    ///   - shift: The new layer's media clock less the old one's, modulo 2^32.
    ///   - last: The media time, in the old layer, of what was sent last: time goes on from there at the least.
    ///   - pictures: See ``VP8PictureShift``.
    ///   - frameShift: The same for the frame numbers of dependency descriptors.
    package mutating func switchLayer(
        toIndex index: Int,
        sequence: Int64,
        timestamp: Int64,
        shift: UInt32,
        last: Int64?,
        pictures: VP8PictureShift,
        frameShift: UInt16 = 0
    ) {
        self.frameShift = frameShift
        begin(atIndex: index, sequence: sequence, pictures: pictures)
        var offset = timestamps.offset - Int64(Int32(bitPattern: shift))
        if let last {
            let ahead = Int32(truncatingIfNeeded: timestamps.map(last) &- (timestamp &+ offset))
            // A frame must not be older than, or as old as, the one before it.
            if ahead >= 0 { offset += Int64(ahead) + 1 }
        }
        timestamps = TimestampMap(offset: offset)
        phase = .live
    }

    private mutating func begin(atIndex index: Int, sequence: Int64, pictures: VP8PictureShift? = nil) {
        // After a first start, numbers go on right behind the last one used: no gap, and no nonce twice.
        let next = hasStarted ? highestSequence + map.newest.offset + 1 : firstNumber
        map = SequenceMap(start: sequence, number: next, limit: wantedLimit, pictures: pictures ?? self.pictures)
        pictureTimestamp = .min
        isLeavingOut = false
        highestSequence = hasStarted ? sequence - 1 : .min
        cursor = index
    }

    /// The replay has reached the live edge.
    package mutating func becomeLive() {
        phase = .live
    }

    /// Nothing sensible can be sent before the next key frame (the packets at the cursor are gone).
    package mutating func wait(since now: Instant) {
        phase = .waiting(since: now)
    }

    /// What was to come next is given up; a key frame behind `sequence` is where it goes on.
    package mutating func hold(after sequence: Int64) {
        phase = .held(after: sequence)
    }

    /// Sends nothing until further notice.
    package mutating func pause() {
        phase = .paused
    }

    // MARK: Sending

    /// The numbers of a packet at a viewer that is sent everything; `nil` for one that lies before its beginning.
    @inline(__always)
    package func numbers(of record: PacketRecord) -> Numbers? {
        guard record.sequence >= map.newest.start else { return nil }
        return Numbers(
            index: UInt64(bitPattern: record.sequence &+ map.newest.offset),
            timestamp: UInt32(truncatingIfNeeded: timestamps.map(record.timestamp))
        )
    }

    /// Counts a packet as sent for the first time; `isEmpty` as in ``Passage``.
    @inline(__always)
    package mutating func didSend(_ record: PacketRecord, isEmpty: Bool = false) {
        packetsSent &+= 1
        if !isEmpty { octetsSent &+= UInt32(truncatingIfNeeded: record.length) }
        if record.sequence > highestSequence { highestSequence = record.sequence }
    }

    /// The track's sequence number of a packet that the viewer calls `sequenceNumber`.
    ///
    /// - Returns: `nil` for a number that was never sent to this viewer.
    package func sequence(ofSent sequenceNumber: UInt16) -> Int64? {
        guard hasStarted else { return nil }
        let sent = SequenceUnwrapper.extend(sequenceNumber, near: highestSequence + map.newest.offset)
        guard let sequence = map.sequence(of: sent), sequence <= highestSequence else { return nil }
        return sequence
    }

    /// Whether packets are sent again on a stream of their own, which can carry padding too.
    package var canRetransmit: Bool { retransmission != nil }

    /// Takes the next RTX number; `nil` when the viewer did not negotiate RTX.
    package mutating func nextRetransmission() -> Retransmission? {
        guard let taken = retransmission else { return nil }
        retransmission?.nextIndex += 1
        return taken
    }
}
