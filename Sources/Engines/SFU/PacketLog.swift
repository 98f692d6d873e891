package import Primitives

/// One packet of a ``PacketLog``: what is needed to send it again to anybody, except its payload.
package struct PacketRecord: Sendable {
    /// Position in the track's continuous sequence, see ``TrackInput``.
    package var sequence: Int64
    /// Position on the track's continuous media clock, in ticks of the codec's clock rate.
    package var timestamp: Int64
    package var arrival: Instant
    /// Where the payload starts, counted from the log's first byte ever.
    fileprivate var position: Int
    /// Payload bytes, without header extensions and padding.
    package var length: Int32
    /// Bytes of RTP padding that it leaves with, see ``PacketLog/level(from:)``.
    package fileprivate(set) var padding: UInt8 = 0
    package var marker: Bool
    /// Whether the payload holds the beginning of a key frame.
    package var startsKeyFrame: Bool
    /// Which layer of the stream it belongs to.
    package var layer: PacketLayer
}

/// The recent packets of one track on one worker: the only place where a packet's payload is stored.
///
/// Live viewers, viewers that replay the group of pictures, viewers that were held up by a full
/// socket and retransmissions all read the same bytes; each holds an index, nothing more. Indexes
/// count packets in order of arrival and never repeat.
///
/// The log keeps at least ``Limits/history`` of packets and, for video, everything since the last
/// key frame while that is at most ``Limits/groupOfPicturesBytes``. Memory grows in doublings up to
/// ``Limits/capacity`` and is bounded by it.
package struct PacketLog: ~Copyable {
    /// How much a log may hold.
    package struct Limits: Sendable {
        /// Packets younger than this are kept for retransmission.
        package var history = Interval.seconds(1)
        /// A group of pictures above this is not kept for joining viewers.
        package var groupOfPicturesBytes = 4 << 20
        /// Payload bytes that are ever held; a power of two.
        package var capacity = 8 << 20
        /// Packets that are ever held; a power of two.
        package var packets = 1 << 14
        /// Payload bytes allocated at first; a power of two.
        package var initialCapacity: Int
        /// Bytes of padding that each packet has room for.
        var paddingRoom: Int

        /// Limits for a track of the given kind; audio starts smaller.
        package init(isVideo: Bool) {
            initialCapacity = isVideo ? 256 << 10 : 16 << 10
            paddingRoom = isVideo ? 8 : 0
            if !isVideo { capacity = 256 << 10 }
        }
    }

    /// The key frame and every packet since, as far as the log still holds them.
    package struct GroupOfPictures: Equatable, Sendable {
        /// Log index of the first packet to arrive of the key frame.
        package var startIndex: Int
        /// The lowest sequence number of the key frame.
        package var startSequence: Int64
        package var startTimestamp: Int64
        package var startedAt: Instant
        /// Payload bytes from the key frame up to now.
        package var bytes: Int
        fileprivate var packets: Int64
    }

    private let limits: Limits
    private var bytes: UnsafeMutableRawPointer
    private var byteCapacity: Int
    /// Positions of the oldest byte still needed and of the next byte to write.
    private var head = 0
    private var records: UnsafeMutablePointer<PacketRecord>
    /// For each sequence number modulo the record capacity, the log index that last had it.
    private var indexes: UnsafeMutablePointer<Int>
    private var recordCapacity: Int

    /// The oldest packet still held.
    package private(set) var firstIndex = 0
    /// One past the newest packet.
    package private(set) var endIndex = 0
    /// The group of pictures that a joining viewer could be given; `nil` for audio, before the first key frame, and
    /// once it has outgrown the limits.
    package private(set) var groupOfPictures: GroupOfPictures?

    private var newestTimestamp = Int64.min
    private var newestSequence = Int64.min
    /// The highest sequence number that is no longer held.
    private var forgottenSequence = Int64.min
    private var frameStartIndex = 0
    private var frameLowestSequence = Int64.max

    package init(limits: Limits) {
        self.limits = limits
        byteCapacity = limits.initialCapacity
        recordCapacity = 256
        bytes = .allocate(byteCount: byteCapacity, alignment: 64)
        records = .allocate(capacity: recordCapacity)
        indexes = .allocate(capacity: recordCapacity)
        indexes.initialize(repeating: -1, count: recordCapacity)
    }

    deinit {
        bytes.deallocate()
        records.deallocate()
        indexes.deallocate()
    }

    /// The number of packets held.
    package var count: Int { endIndex - firstIndex }
    /// Bytes of memory the log has allocated.
    package var allocatedBytes: Int {
        byteCapacity + recordCapacity * (MemoryLayout<PacketRecord>.stride + MemoryLayout<Int>.stride)
    }
    /// The highest sequence number held or seen; `nil` before the first packet.
    package var highestSequence: Int64? { newestSequence == .min ? nil : newestSequence }
    /// The newest media time seen; `nil` before the first packet.
    package var highestTimestamp: Int64? { newestTimestamp == .min ? nil : newestTimestamp }

    /// Whether no packet is missing between the key frame and the newest packet.
    package var isGroupOfPicturesComplete: Bool {
        guard let group = groupOfPictures else { return false }
        return newestSequence - group.startSequence + 1 == group.packets
    }

    // MARK: Reading

    /// The record at `index`, which must lie in `firstIndex..<endIndex`.
    @inline(__always)
    package func record(at index: Int) -> PacketRecord {
        assert(index >= firstIndex && index < endIndex, "cursors are checked against firstIndex before they read")
        return records[index & (recordCapacity - 1)]
    }

    /// The payload at `index`, valid until the next ``append(sequence:timestamp:marker:startsKeyFrame:layer:descriptor:payload:at:)``.
    @inline(__always)
    package func payload(at index: Int) -> UnsafeRawBufferPointer {
        let record = records[index & (recordCapacity - 1)]
        return UnsafeRawBufferPointer(
            start: bytes + (record.position & (byteCapacity - 1)),
            count: Int(record.length)
        )
    }

    /// The dependency descriptor of the packet at `index`, as long valid as its payload; `nil` where it has none.
    @inline(__always)
    package func descriptor(at index: Int) -> KeptDescriptor? {
        let record = records[index & (recordCapacity - 1)]
        guard record.layer.hasDescriptor else { return nil }
        return KeptDescriptor(
            at: bytes + (record.position & (byteCapacity - 1)) + Int(record.length) + limits.paddingRoom)
    }

    /// The payload at `index` with the padding behind it.
    @inline(__always)
    package func paddedPayload(at index: Int) -> UnsafeRawBufferPointer {
        let record = records[index & (recordCapacity - 1)]
        return UnsafeRawBufferPointer(
            start: bytes + (record.position & (byteCapacity - 1)),
            count: Int(record.length) + Int(record.padding)
        )
    }

    /// The payload at `index` with the padding behind it, or nothing.
    @inline(__always)
    package func paddedPayload(at index: Int, isEmpty: Bool) -> UnsafeRawBufferPointer {
        let whole = paddedPayload(at: index)
        return isEmpty ? UnsafeRawBufferPointer(rebasing: whole[0..<0]) : whole
    }

    /// Where the packet with this sequence number lies, if it is still held.
    package func index(ofSequence sequence: Int64) -> Int? {
        let index = indexes[Int(truncatingIfNeeded: sequence) & (recordCapacity - 1)]
        guard index >= firstIndex, index < endIndex, record(at: index).sequence == sequence else { return nil }
        return index
    }

    // MARK: Writing

    /// Stores a packet, its payload (at most 64 KB) copied, and the descriptor behind it (see ``KeptDescriptor``).
    ///
    /// `startsKeyFrame` says that the payload holds the beginning of a key frame, or the parameter sets before it.
    /// Returns the packet's index, or `nil` for one that is held already, may have been held, or could not be held. O(1)
    /// amortised; allocates only when the log grows.
    @discardableResult
    package mutating func append(
        sequence: Int64,
        timestamp: Int64,
        marker: Bool,
        startsKeyFrame: Bool,
        layer: PacketLayer = .base,
        descriptor: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        payload: UnsafeRawBufferPointer,
        at arrival: Instant
    ) -> Int? {
        if index(ofSequence: sequence) != nil || mayBeForgotten(sequence) { return nil }
        guard payload.count <= min(limits.capacity / 4, 65_536) else { return nil }
        evictExpired(at: arrival)
        let position = makeRoom(for: payload.count + limits.paddingRoom + descriptor.count)

        let index = endIndex
        if payload.count > 0, let source = payload.baseAddress {
            (bytes + (position & (byteCapacity - 1))).copyMemory(from: source, byteCount: payload.count)
        }
        var layer = layer
        layer.hasDescriptor = !descriptor.isEmpty
        if let source = descriptor.baseAddress, !descriptor.isEmpty {
            (bytes + (position & (byteCapacity - 1)) + payload.count + limits.paddingRoom)
                .copyMemory(from: source, byteCount: descriptor.count)
        }
        records[index & (recordCapacity - 1)] = PacketRecord(
            sequence: sequence,
            timestamp: timestamp,
            arrival: arrival,
            position: position,
            length: Int32(payload.count),
            marker: marker,
            startsKeyFrame: startsKeyFrame,
            layer: layer
        )
        indexes[Int(truncatingIfNeeded: sequence) & (recordCapacity - 1)] = index
        head = position + payload.count + limits.paddingRoom + descriptor.count
        endIndex += 1
        trackFrame(index: index, sequence: sequence, timestamp: timestamp, length: payload.count)
        newestSequence = max(newestSequence, sequence)
        if startsKeyFrame { beginGroupOfPictures(timestamp: timestamp, at: arrival) }
        return index
    }

    /// Makes packets from `start` on equal in size where a few bytes of RTP padding do (RFC 3550 §5.1).
    ///
    /// A run of equal packets leaves as one (UDP GSO), and only its last may be shorter. Browsers cut a frame into parts that
    /// differ by a byte, which would make two runs of it. Call before anybody is sent these packets: one that is sent again must
    /// be the same. O(n).
    package mutating func level(from start: Int) {
        guard limits.paddingRoom > 0, endIndex - start > 1 else { return }
        var largest: Int32 = 0
        for index in start..<endIndex { largest = max(largest, records[index & (recordCapacity - 1)].length) }
        for index in start..<(endIndex - 1) {
            let record = records + (index & (recordCapacity - 1))
            let missing = Int(largest - record.pointee.length)
            guard missing > 0, missing <= limits.paddingRoom, record.pointee.length > 0 else { continue }
            let end = bytes + (record.pointee.position & (byteCapacity - 1)) + Int(record.pointee.length)
            end.initializeMemory(as: UInt8.self, repeating: 0, count: missing - 1)
            end.storeBytes(of: UInt8(missing), toByteOffset: missing - 1, as: UInt8.self)
            record.pointee.padding = UInt8(missing)
        }
    }

    private mutating func trackFrame(index: Int, sequence: Int64, timestamp: Int64, length: Int) {
        if timestamp > newestTimestamp {
            newestTimestamp = timestamp
            frameStartIndex = index
            frameLowestSequence = sequence
        } else if timestamp == newestTimestamp {
            frameLowestSequence = min(frameLowestSequence, sequence)
        }
        guard var group = groupOfPictures else { return }
        if timestamp == group.startTimestamp { group.startSequence = min(group.startSequence, sequence) }
        if sequence >= group.startSequence {
            group.packets += 1
            group.bytes += length
        }
        groupOfPictures = group.bytes <= limits.groupOfPicturesBytes ? group : nil
    }

    private mutating func beginGroupOfPictures(timestamp: Int64, at arrival: Instant) {
        // A late packet of an older frame must not restart the group, nor a second slice of the same key frame.
        guard timestamp == newestTimestamp, groupOfPictures?.startTimestamp != timestamp else { return }
        guard frameStartIndex >= firstIndex else { return }
        var size = 0
        for index in frameStartIndex..<endIndex { size += Int(record(at: index).length) }
        groupOfPictures = GroupOfPictures(
            startIndex: frameStartIndex,
            startSequence: frameLowestSequence,
            startTimestamp: timestamp,
            startedAt: arrival,
            bytes: size,
            packets: Int64(endIndex - frameStartIndex)
        )
    }

    // MARK: Room

    /// Whether a packet with this sequence number may have been here without being found any more.
    ///
    /// Browsers probe a path by sending old packets again. Stored anew, one would go to the viewers a second time with
    /// another header, under the nonce of the first (RFC 7714 §9).
    private func mayBeForgotten(_ sequence: Int64) -> Bool {
        if sequence <= forgottenSequence { return true }
        // Far behind, its place in `indexes` may have gone to another.
        return newestSequence != .min && sequence <= newestSequence - Int64(recordCapacity)
    }

    private mutating func evictExpired(at now: Instant) {
        let keepFrom = groupOfPictures?.startIndex ?? endIndex
        while firstIndex < keepFrom, now.since(record(at: firstIndex).arrival) > limits.history {
            forgetFirst()
        }
    }

    private mutating func forgetFirst() {
        forgottenSequence = max(forgottenSequence, record(at: firstIndex).sequence)
        firstIndex += 1
    }

    private mutating func evictOldest() {
        forgetFirst()
        if let group = groupOfPictures, group.startIndex < firstIndex { groupOfPictures = nil }
    }

    /// Frees or adds room for one more record of `length` bytes; returns where its payload goes.
    private mutating func makeRoom(for length: Int) -> Int {
        if count == recordCapacity {
            if recordCapacity < limits.packets { growRecords() } else { evictOldest() }
        }
        while true {
            // A payload never wraps around the end of the ring: the rest is left unused.
            let place = head & (byteCapacity - 1)
            let position = place + length <= byteCapacity ? head : head + byteCapacity - place
            let tail = count == 0 ? position : record(at: firstIndex).position
            if position + length - tail <= byteCapacity { return position }
            if byteCapacity < limits.capacity { growBytes() } else { evictOldest() }
        }
    }

    private mutating func growRecords() {
        let larger = recordCapacity * 2
        let newRecords = UnsafeMutablePointer<PacketRecord>.allocate(capacity: larger)
        let newIndexes = UnsafeMutablePointer<Int>.allocate(capacity: larger)
        newIndexes.initialize(repeating: -1, count: larger)
        for index in firstIndex..<endIndex {
            let record = record(at: index)
            newRecords[index & (larger - 1)] = record
            newIndexes[Int(truncatingIfNeeded: record.sequence) & (larger - 1)] = index
        }
        records.deallocate()
        indexes.deallocate()
        records = newRecords
        indexes = newIndexes
        recordCapacity = larger
    }

    private mutating func growBytes() {
        let larger = byteCapacity * 2
        let newBytes = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 64)
        var position = 0
        for index in firstIndex..<endIndex {
            let payload = payload(at: index)
            let length = payload.count + limits.paddingRoom + (descriptor(at: index)?.storage.count ?? 0)
            if let source = payload.baseAddress, length > 0 {
                (newBytes + position).copyMemory(from: source, byteCount: length)
            }
            records[index & (recordCapacity - 1)].position = position
            position += length
        }
        bytes.deallocate()
        bytes = newBytes
        byteCapacity = larger
        head = position
    }
}
