import CongestionControl
import Media
import Primitives
import RTP
import SFU
import SRTP

/// Packets out: from a track's log to its viewers, a burst sent once per viewer.
extension MediaCore {
    /// Sends a track's released packets to every viewer that is up to date.
    mutating func fanOut(track slot: Int, at now: Instant, into batch: inout SendBatch) {
        let track = tracks[slot]
        if !track.pointee.arrivingPeers.isEmpty { admitArriving(to: slot, at: now) }
        if track.pointee.catchingUp > 0 { startWaiting(track: slot, at: now, into: &batch) }
        // While the socket is full viewers keep their places; resumeViewers() goes on from there.
        guard !batch.isBlocked else { return }
        let end = track.pointee.releasedEnd
        let isVideo = track.pointee.isVideo
        for position in 0..<track.pointee.forwarderCount {
            let forwarder = track.pointee.forwarders + position
            guard forwarder.pointee.phase == .live else { continue }
            if isVideo, peers[forwarder.pointee.peer].pointee.pacer.isPaced {
                sendPaced(track, to: forwarder, at: now, into: &batch)
            } else {
                _ = send(track, to: forwarder, upTo: end, now: now, into: &batch)
            }
        }
    }

    /// Sends packets from the forwarder's cursor on, up to a number of packets and beyond a number of payload bytes.
    ///
    /// - Returns: Payload bytes sent.
    @inline(__always)
    mutating func send(
        _ track: UnsafeMutablePointer<Track>,
        to forwarder: UnsafeMutablePointer<Forwarder>,
        upTo end: Int,
        maximum: Int = .max,
        bytes: Int = .max,
        now: Instant,
        into batch: inout SendBatch
    ) -> Int {
        let peer = peers[forwarder.pointee.peer]
        guard let address = peer.pointee.address, peer.pointee.sender != nil else { return 0 }
        var cursor = forwarder.pointee.cursor
        guard cursor >= track.pointee.log.firstIndex else {
            // The log has moved on without this viewer.
            forwarder.pointee.wait(since: now)
            track.pointee.catchingUp += 1
            return 0
        }
        let stop = end - cursor > maximum ? cursor + maximum : end
        var stream = OutgoingStream(forwarder.pointee)
        let repeats = !track.pointee.isVideo && peer.pointee.redPayloadType != 0 && peer.pointee.redundancy.level > 0
        var sent = 0
        batch.beginRun(to: address)
        let isWhole = forwarder.pointee.sendsEverything
        if !isWhole {
            sent = sendChosen(
                track, to: forwarder, through: &stream, from: &cursor, upTo: stop, bytes: bytes, now: now, into: &batch)
        }
        while isWhole, cursor < stop, sent < bytes {
            let record = track.pointee.log.record(at: cursor)
            if let numbers = forwarder.pointee.numbers(of: record) {
                let payload = track.pointee.log.paddedPayload(at: cursor)
                stream.captureTime =
                    forwarder.pointee.tellsCaptureTime(of: record, at: now)
                    ? track.pointee.captureTime(of: record.timestamp) : nil
                if stream.descriptorID != 0 { stream.descriptor = track.pointee.log.descriptor(at: cursor) }
                let repeated =
                    repeats
                    ? sendRedundant(
                        track, forwarder, record: record, payload: payload, stream: stream, to: peer, now: now,
                        into: &batch) : 0
                if repeated == 0 {
                    stream.emit(
                        payload, marker: record.marker, hasPadding: record.padding > 0, numbers: numbers, to: peer,
                        now: now, into: &batch)
                }
                forwarder.pointee.didSend(record)
                sent += max(repeated, payload.count)
            }
            cursor += 1
        }
        if cursor > forwarder.pointee.cursor {
            forwarder.pointee.notePicture(of: track.pointee.log.record(at: cursor - 1))
        }
        forwarder.pointee.cursor = cursor
        if sent > 0 {
            if peer.pointee.pacer.isPaced { peer.pointee.pacer.didSend(sent) }
            if peer.pointee.mediaBegunAt == nil { peer.pointee.mediaBegunAt = now }
            if let connectedAt = peer.pointee.connectedAt {
                counters.joins.firstPacket.record(now.since(connectedAt))
                peer.pointee.connectedAt = nil
            }
        }
        return sent
    }

    /// The same for a viewer that is not sent everything.
    private func sendChosen(
        _ track: UnsafeMutablePointer<Track>,
        to forwarder: UnsafeMutablePointer<Forwarder>,
        through stream: inout OutgoingStream,
        from cursor: inout Int,
        upTo stop: Int,
        bytes: Int,
        now: Instant,
        into batch: inout SendBatch
    ) -> Int {
        let peer = peers[forwarder.pointee.peer]
        var sent = 0
        while cursor < stop, sent < bytes {
            let record = track.pointee.log.record(at: cursor)
            if let passage = forwarder.pointee.admit(record) {
                let payload = track.pointee.log.paddedPayload(at: cursor, isEmpty: passage.isEmpty)
                stream.apply(passage, descriptor: track.pointee.log.descriptor(at: cursor))
                stream.captureTime =
                    !passage.isEmpty && forwarder.pointee.tellsCaptureTime(of: record, at: now)
                    ? track.pointee.captureTime(of: record.timestamp) : nil
                stream.emit(
                    payload, marker: passage.marker, hasPadding: record.padding > 0 && !passage.isEmpty,
                    numbers: passage.numbers, to: peer, now: now, into: &batch)
                forwarder.pointee.didSend(record, isEmpty: passage.isEmpty)
                sent += payload.count
            }
            cursor += 1
        }
        return sent
    }
}

/// What the headers of one stream to one viewer have in common.
struct OutgoingStream {
    var ssrc: UInt32
    var payloadType: UInt8
    var headerExtension: HeaderExtensionTemplate
    var pictures: VP8PictureShift
    /// What the next packet says of its capture; `nil` for nothing.
    var captureTime: NTPTime?
    /// The id of dependency descriptors, or 0, and that of the next packet; `nil` for none.
    var descriptorID: UInt8
    var descriptor: KeptDescriptor?
    /// What descriptors say of the layers that the viewer is sent, and what is added to their frame numbers.
    var limit = LayerLimit.none
    var frameShift: UInt16

    /// Room for the authentication tag behind a packet, and for what stands before a payload sent again.
    private static let room = 32

    /// The media stream of a forwarder.
    @inline(__always)
    init(_ forwarder: Forwarder) {
        ssrc = forwarder.ssrc
        payloadType = forwarder.payloadType
        headerExtension = forwarder.headerExtension
        pictures = forwarder.pictures
        descriptorID = forwarder.descriptorID
        frameShift = forwarder.frameShift
    }

    /// Takes over what the next packet is at a viewer that is not sent everything.
    @inline(__always)
    mutating func apply(_ passage: Forwarder.Passage, descriptor: KeptDescriptor?) {
        pictures = passage.pictures
        limit = passage.limit
        self.descriptor = passage.isEmpty ? nil : descriptor
    }

    /// Writes and encrypts one packet into the batch, for the peer that its run goes to.
    @inline(__always)
    func emit(
        _ payload: UnsafeRawBufferPointer,
        marker: Bool,
        hasPadding: Bool,
        numbers: Forwarder.Numbers,
        to peer: UnsafeMutablePointer<Peer>,
        now: Instant,
        into batch: inout SendBatch
    ) {
        guard pictures == .none else {
            withUnsafeTemporaryAllocation(byteCount: payload.count, alignment: 8) { shifted in
                shifted.copyMemory(from: payload)
                pictures.apply(to: shifted)
                emitAsItIs(
                    UnsafeRawBufferPointer(shifted), marker: marker, hasPadding: hasPadding, numbers: numbers, to: peer,
                    now: now, into: &batch)
            }
            return
        }
        emitAsItIs(
            payload, marker: marker, hasPadding: hasPadding, numbers: numbers, to: peer, now: now, into: &batch)
    }

    @inline(__always)
    func emitAsItIs(
        _ payload: UnsafeRawBufferPointer,
        marker: Bool,
        hasPadding: Bool = false,
        numbers: Forwarder.Numbers,
        to peer: UnsafeMutablePointer<Peer>,
        now: Instant,
        into batch: inout SendBatch
    ) {
        let extensionLength = captureTime == nil ? headerExtension.length : headerExtension.lengthWithCaptureTime
        var headerLength = RTPHeader.fixedLength + extensionLength
        let descriptorRoom = descriptor.map(DescriptorExtension.room(for:)) ?? 0
        let output = batch.reserve(headerLength + payload.count + Self.room + descriptorRoom)
        let number = headerExtension.hasTransportNumber ? peer.pointee.bandwidth.nextNumber : 0
        writeHeader(to: output, marker: marker, hasPadding: hasPadding, numbers: numbers, transportNumber: number)
        if descriptorID != 0, let descriptor {
            headerLength = RTPHeader.fixedLength + append(descriptor, to: output, length: extensionLength)
        }
        let length = peer.pointee.sender.protectPacket(
            output,
            headerLength: headerLength,
            payload: payload,
            ssrc: ssrc,
            index: numbers.index
        )
        guard length > 0 else { return }
        if headerExtension.hasTransportNumber {
            peer.pointee.bandwidth.didSend(number, size: length, at: now)
        } else {
            peer.pointee.bandwidth.didSend(size: length, at: now)
        }
        batch.commit(length)
    }

    /// Bytes of a packet that holds nothing but padding; its own count of them has eight bits.
    private static let paddingLength = 224

    /// Writes and encrypts one packet that holds nothing (RFC 3550 §5.1).
    ///
    /// - Returns: Its bytes of padding.
    func emitPadding(
        numbers: Forwarder.Numbers, to peer: UnsafeMutablePointer<Peer>, now: Instant, into batch: inout SendBatch
    ) -> Int {
        withUnsafeTemporaryAllocation(byteCount: Self.paddingLength, alignment: 8) { padding in
            padding.initializeMemory(as: UInt8.self, repeating: 0)
            padding[Self.paddingLength - 1] = UInt8(Self.paddingLength)
            emitAsItIs(
                UnsafeRawBufferPointer(padding), marker: false, hasPadding: true, numbers: numbers, to: peer, now: now,
                into: &batch)
        }
        return Self.paddingLength
    }

    /// Writes the packet's dependency descriptor behind what else the header extension has.
    ///
    /// - Returns: Bytes of the header extension.
    private func append(_ descriptor: KeptDescriptor, to output: UnsafeMutableRawPointer, length: Int) -> Int {
        output.storeBytes(of: output.load(as: UInt8.self) | 0x10, as: UInt8.self)
        return DescriptorExtension.append(
            descriptor, id: descriptorID, limit: limit, shift: frameShift, to: output + RTPHeader.fixedLength,
            length: length)
    }

    @inline(__always)
    private func writeHeader(
        to output: UnsafeMutableRawPointer,
        marker: Bool,
        hasPadding: Bool,
        numbers: Forwarder.Numbers,
        transportNumber: UInt16
    ) {
        let hasExtension = headerExtension.length > 0 || captureTime != nil
        let flags: UInt8 = (hasExtension ? 0x90 : 0x80) | (hasPadding ? 0x20 : 0)
        output.storeBytes(of: flags, as: UInt8.self)
        output.storeBytes(of: payloadType | (marker ? 0x80 : 0), toByteOffset: 1, as: UInt8.self)
        output.storeBytes(of: numbers.sequenceNumber.bigEndian, toByteOffset: 2, as: UInt16.self)
        output.storeBytes(of: numbers.timestamp.bigEndian, toByteOffset: 4, as: UInt32.self)
        output.storeBytes(of: ssrc.bigEndian, toByteOffset: 8, as: UInt32.self)
        if let captureTime {
            headerExtension.write(
                to: output + RTPHeader.fixedLength, number: transportNumber, captureTime: captureTime)
        } else if headerExtension.length > 0 {
            headerExtension.write(to: output + RTPHeader.fixedLength, number: transportNumber)
        }
    }
}

extension Optional where Wrapped == SRTPSender {
    /// Protects a packet whose header is in place, without moving the noncopyable sender.
    @inline(__always)
    mutating func protectPacket(
        _ output: UnsafeMutableRawPointer,
        headerLength: Int,
        payload: UnsafeRawBufferPointer,
        ssrc: UInt32,
        index: UInt64
    ) -> Int {
        self?.protect(output, headerLength: headerLength, payload: payload, ssrc: ssrc, index: index) ?? 0
    }
}

extension Optional where Wrapped == BandwidthEstimator {
    /// The number of the next packet, without moving the noncopyable estimator.
    @inline(__always)
    var nextNumber: UInt16 {
        switch self {
        case .some(let estimator): estimator.nextTransportSequenceNumber
        case .none: 0
        }
    }

    @inline(__always)
    mutating func didSend(_ number: UInt16, size: Int, at now: Instant) {
        self?.didSend(transportSequenceNumber: number, size: size, at: now)
    }

    @inline(__always)
    mutating func didSend(size: Int, at now: Instant) {
        self?.didSend(size: size, at: now)
    }
}
