package import M3U8

/// One rendition of a stream as a low-latency player fetches it: a state machine without a socket.
///
/// A whole playlist first, then in turn a blocking reload (RFC 8216bis §6.2.5.2) and the parts that it brought.
package struct HLSPlayback: Sendable {
    /// A part of a segment, in the order of the stream.
    package struct PartNumber: Hashable, Comparable, Sendable {
        package var sequence: UInt64
        package var part: Int

        package static func < (left: PartNumber, right: PartNumber) -> Bool {
            (left.sequence, left.part) < (right.sequence, right.part)
        }
    }

    package enum Request: Hashable, Sendable {
        /// The playlist as it is.
        case playlist
        /// The playlist with this part in it.
        case reload(PartNumber)
        case map(String)
        case part(String, PartNumber)
    }

    /// Why a rendition cannot be played on.
    package enum Failure: Error, Hashable, Sendable {
        /// There are no parts, or the server does not block.
        case noLowLatency
        case ended
    }

    private var waiting: [Request] = []
    private var newest: PartNumber?
    private var maps: Set<String> = []
    /// What ``PART-HOLD-BACK`` asks for, in seconds.
    package private(set) var holdBack = 0.0

    /// More parts than a player fetches at once: it begins at the newest.
    static let maximumParts = 32

    package init() {
        waiting = [.playlist]
    }

    /// What to ask for next.
    package mutating func next() -> Request {
        if !waiting.isEmpty { return waiting.removeFirst() }
        guard let newest else { return .playlist }
        return .reload(PartNumber(sequence: newest.sequence, part: newest.part + 1))
    }

    /// Takes a playlist, whole or not.
    ///
    /// - Parameter playlist: The answer to what was asked last.
    /// - Returns: The newest part in it; `nil` where there is none yet.
    /// - Throws: ``Failure`` when there is nothing to go on with.
    package mutating func received(_ playlist: MediaPlaylist) throws(Failure) -> PartNumber? {
        guard !playlist.hasEnded else { throw .ended }
        guard playlist.partTarget != nil, playlist.control?.canBlockReload == true else { throw .noLowLatency }
        holdBack = playlist.control?.partHoldBack ?? 0
        var parts: [(number: PartNumber, uri: String)] = []
        for (offset, segment) in playlist.segments.enumerated().suffix(3) {
            let sequence = playlist.firstSequence &+ UInt64(offset)
            for (index, part) in segment.parts.enumerated() where !part.isGap {
                parts.append((PartNumber(sequence: sequence, part: index), part.uri))
            }
        }
        if let map = playlist.segments.last?.map, maps.count < 64, maps.insert(map.uri).inserted {
            waiting.append(.map(map.uri))
        }
        guard let last = parts.last else { return nil }
        let new = newest.map { newest in parts.filter { $0.number > newest } } ?? [last]
        waiting += new.suffix(Self.maximumParts).map { .part($0.uri, $0.number) }
        newest = max(newest ?? last.number, last.number)
        // What comes next is part 0 of the next segment, and not one more of a segment that is whole.
        if playlist.open.isEmpty { newest = PartNumber(sequence: playlist.nextSequence &- 1, part: Self.whole) }
        return last.number
    }

    /// Behind every part of a segment.
    static let whole = 1 << 30

    /// The directives of a blocking reload; part numbers go on in the next segment.
    package static func directives(_ number: PartNumber) -> String {
        number.part > whole
            ? "_HLS_msn=\(number.sequence &+ 1)&_HLS_part=0&_HLS_skip=YES"
            : "_HLS_msn=\(number.sequence)&_HLS_part=\(number.part)&_HLS_skip=YES"
    }

    /// The part that a reload really waits for.
    package static func target(_ number: PartNumber) -> PartNumber {
        number.part > whole ? PartNumber(sequence: number.sequence &+ 1, part: 0) : number
    }
}
