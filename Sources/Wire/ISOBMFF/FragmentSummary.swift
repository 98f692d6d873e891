package import Primitives

/// What the `moof` box of a fragment says: from when to when it goes, and whether decoding can begin with it.
///
/// Reads what ``MediaFragment`` writes, which may have been cut short by a crash or changed by somebody else.
package struct FragmentSummary: Hashable, Sendable {
    /// The samples of one track.
    package struct Track: Hashable, Sendable {
        package var identifier: UInt32
        /// Ticks at which the first sample is decoded.
        package var decodeTime: UInt64
        /// Ticks of all samples.
        package var duration: UInt64
        /// Whether the first sample is a key frame.
        package var beginsWithKeyFrame: Bool

        /// Ticks at which the next fragment's first sample is decoded.
        package var end: UInt64 { decodeTime &+ duration }
    }

    package var sequenceNumber: UInt32
    package var tracks: [Track]

    /// Parses the content of a `moof` box.
    ///
    /// - Parameter content: Behind the header of the box, to its end.
    /// - Throws: ``ParseError`` when it is not what we write.
    /// - Complexity: Linear in `content`.
    package init(parsing content: Span<UInt8>) throws(ParseError) {
        var sequenceNumber: UInt32?
        var tracks: [Track] = []
        try Boxes.each(in: content) { type, content throws(ParseError) in
            switch type {
            case "mfhd":
                var reader = ByteReader(content)
                try reader.skip(4)
                sequenceNumber = try reader.readInteger()
            case "traf":
                guard tracks.count < MovieSummary.maximumTracks else { throw .limitExceeded(what: "tracks") }
                tracks.append(try Self.track(content))
            default: break
            }
        }
        guard let sequenceNumber, !tracks.isEmpty else { throw .invalid(field: "moof") }
        self.sequenceNumber = sequenceNumber
        self.tracks = tracks
    }

    /// The defaults of a track fragment (ISO/IEC 14496-12 §8.8.7).
    private struct Defaults {
        var identifier: UInt32 = 0
        var duration: UInt32?
        var flags: UInt32?
    }

    private static func track(_ content: Span<UInt8>) throws(ParseError) -> Track {
        var defaults: Defaults?
        var decodeTime: UInt64?
        var run: (duration: UInt64, beginsWithKeyFrame: Bool)?
        try Boxes.each(in: content) { type, content throws(ParseError) in
            switch type {
            case "tfhd": defaults = try Self.defaults(content)
            case "tfdt":
                var reader = ByteReader(content)
                let version: UInt8 = try reader.readInteger()
                try reader.skip(3)
                decodeTime =
                    version == 1
                    ? try reader.readInteger(as: UInt64.self) : UInt64(try reader.readInteger(as: UInt32.self))
            case "trun" where run == nil: run = try Self.run(content, defaults ?? Defaults())
            default: break
            }
        }
        guard let defaults, let decodeTime, let run else { throw .invalid(field: "traf") }
        return Track(
            identifier: defaults.identifier, decodeTime: decodeTime, duration: run.duration,
            beginsWithKeyFrame: run.beginsWithKeyFrame)
    }

    private static func defaults(_ content: Span<UInt8>) throws(ParseError) -> Defaults {
        var reader = ByteReader(content)
        let flags = try reader.readInteger(as: UInt32.self) & 0xFF_FFFF
        var defaults = Defaults()
        defaults.identifier = try reader.readInteger()
        if flags & 0x01 != 0 { try reader.skip(8) }  // base-data-offset
        if flags & 0x02 != 0 { try reader.skip(4) }  // sample-description-index
        if flags & 0x08 != 0 { defaults.duration = try reader.readInteger() }
        if flags & 0x10 != 0 { try reader.skip(4) }  // default-sample-size
        if flags & 0x20 != 0 { defaults.flags = try reader.readInteger() }
        return defaults
    }

    /// A track run (§8.8.8).
    private static func run(
        _ content: Span<UInt8>,
        _ defaults: Defaults
    ) throws(ParseError) -> (duration: UInt64, beginsWithKeyFrame: Bool) {
        var reader = ByteReader(content)
        let flags = try reader.readInteger(as: UInt32.self) & 0xFF_FFFF
        let count: UInt32 = try reader.readInteger()
        if flags & 0x01 != 0 { try reader.skip(4) }  // data-offset
        var firstFlags = defaults.flags
        if flags & 0x04 != 0 { firstFlags = try reader.readInteger() }
        let size = [0x100, 0x200, 0x400, 0x800].reduce(0) { flags & $1 != 0 ? $0 + 4 : $0 }
        guard size == 0 || Int(count) <= reader.remaining / size else {
            throw .truncated(needed: Int(count) * size, available: reader.remaining, offset: reader.offset)
        }
        let hasFlags = flags & 0x400 != 0
        guard flags & 0x100 != 0 || hasFlags else {
            // All samples are alike.
            return (UInt64(count) * UInt64(defaults.duration ?? 0), isKeyFrame(firstFlags))
        }
        var duration: UInt64 = 0
        for index in 0..<count {
            if flags & 0x100 != 0 { duration &+= UInt64(try reader.readInteger(as: UInt32.self)) }
            if flags & 0x200 != 0 { try reader.skip(4) }
            if hasFlags {
                let own: UInt32 = try reader.readInteger()
                if index == 0 { firstFlags = own }
            }
            if flags & 0x800 != 0 { try reader.skip(4) }
        }
        if flags & 0x100 == 0 { duration = UInt64(count) * UInt64(defaults.duration ?? 0) }
        return (duration, isKeyFrame(firstFlags))
    }

    /// sample_is_non_sync_sample (§8.8.3.1).
    private static func isKeyFrame(_ flags: UInt32?) -> Bool { flags.map { $0 & 0x1_0000 == 0 } ?? true }
}
