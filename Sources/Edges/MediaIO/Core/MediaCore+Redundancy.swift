import Media
import Primitives
import RTP
import SFU
import WebRTC

/// Sound that repeats earlier frames (RFC 2198): taken apart where it comes in, put together for viewers who lose packets.
extension MediaCore {
    // MARK: In

    /// Takes a publisher's redundant packet apart: everybody downstream sees plain frames.
    ///
    /// A repeated frame is taken for the packet as many numbers back as it stands before the newest; whether that one
    /// came, the track's log knows.
    mutating func receiveRedundant(
        _ header: RTPHeader, packet: UnsafeRawBufferPointer, source index: Int, peer slot: Int, at now: Instant,
        into batch: inout SendBatch
    ) {
        let source = peers[slot].pointee.sources[index]
        let payloadType = peers[slot].pointee.bindings[source.binding].negotiated.payloadType
        let payload = UnsafeRawBufferPointer(rebasing: packet[header.payloadRange])
        guard let parsed = try? RedundantPayload(parsing: Span(_unsafeElements: payload.bindMemory(to: UInt8.self)))
        else {
            counters.datagramsRefused += 1
            return
        }
        let newest = peers[slot].pointee.sources[index].sequences.newest ?? 0
        for (position, block) in parsed.blocks.enumerated() {
            guard !block.range.isEmpty, block.payloadType == payloadType else { continue }
            let age = parsed.blocks.count - 1 - position
            var frame = header
            frame.payloadType = payloadType
            frame.sequenceNumber = header.sequenceNumber &- UInt16(age)
            frame.timestamp = header.timestamp &- UInt32(block.timestampOffset)
            let start = header.payloadRange.lowerBound
            frame.payloadRange = start + block.range.lowerBound..<start + block.range.upperBound
            guard age > 0 else {
                forward(frame, packet: packet, from: source, at: now, into: &batch)
                continue
            }
            frame.marker = false
            let held = tracks.contains(source.track) ? tracks[source.track].pointee.log.endIndex : 0
            forward(frame, packet: packet, from: source, at: now, into: &batch)
            guard tracks.contains(source.track), tracks[source.track].pointee.log.endIndex > held else { continue }
            counters.packetsRepaired += 1
            let repaired = SequenceUnwrapper.extend(frame.sequenceNumber, near: newest)
            peers[slot].pointee.sources[index].repair?.receive(sequence: repaired, at: now)
        }
    }

    // MARK: Out

    /// Puts the frames before a packet in front of it and sends it, as far as the log and the format have room for them.
    ///
    /// - Returns: The payload bytes sent; 0 when there is nothing to repeat and nothing was sent.
    func sendRedundant(
        _ track: UnsafeMutablePointer<Track>, _ forwarder: UnsafeMutablePointer<Forwarder>, record: PacketRecord,
        payload: UnsafeRawBufferPointer, stream: OutgoingStream, to peer: UnsafeMutablePointer<Peer>, now: Instant,
        into batch: inout SendBatch
    ) -> Int {
        guard let numbers = forwarder.pointee.numbers(of: record) else { return 0 }
        // The newest of them first; beyond a gap in time, as of silence, there is nothing worth repeating.
        var repeated = InlineArray<2, Int>(repeating: -1)
        var count = 0
        var size = payload.count + RedundantPayload.primaryHeaderLength
        while count < min(peer.pointee.redundancy.level, RedundancyControl.maximumLevel) {
            guard let index = track.pointee.log.index(ofSequence: record.sequence - Int64(count + 1)) else { break }
            let earlier = track.pointee.log.record(at: index)
            let age = record.timestamp - earlier.timestamp
            let length = Int(earlier.length)
            guard forwarder.pointee.numbers(of: earlier) != nil, length <= RedundantPayload.maximumBlockLength,
                (1...Int64(RedundantPayload.maximumTimestampOffset)).contains(age),
                size + RedundantPayload.redundantHeaderLength + length <= Self.largestRedundantPayload
            else { break }
            size += RedundantPayload.redundantHeaderLength + length
            repeated[count] = index
            count += 1
        }
        guard count > 0 else { return 0 }
        var stream = stream
        let frameType = stream.payloadType
        stream.payloadType = peer.pointee.redPayloadType
        withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { output in
            var header = 0
            var data = count * RedundantPayload.redundantHeaderLength + RedundantPayload.primaryHeaderLength
            for position in (0..<count).reversed() {
                let earlier = track.pointee.log.record(at: repeated[position])
                let bytes = track.pointee.log.payload(at: repeated[position])
                let word = RedundantPayload.redundantHeader(
                    payloadType: frameType, timestampOffset: Int(record.timestamp - earlier.timestamp),
                    length: bytes.count)
                output.storeBytes(of: word.bigEndian, toByteOffset: header, as: UInt32.self)
                UnsafeMutableRawBufferPointer(rebasing: output[data...]).copyMemory(from: bytes)
                header += RedundantPayload.redundantHeaderLength
                data += bytes.count
            }
            output.storeBytes(of: frameType, toByteOffset: header, as: UInt8.self)
            UnsafeMutableRawBufferPointer(rebasing: output[data...]).copyMemory(from: payload)
            stream.emitAsItIs(
                UnsafeRawBufferPointer(output), marker: record.marker, numbers: numbers, to: peer, now: now,
                into: &batch)
        }
        return size
    }

    /// Payload bytes that fit a datagram on any path.
    private static var largestRedundantPayload: Int { 1_100 }
}
