import Primitives

/// What the boxes of fragmented MP4 say about time and key frames (ISO/IEC 14496-12 §8.8).
struct FragmentFacts: Sendable {
    /// One `traf`.
    struct Run: Hashable, Sendable {
        var track: UInt32
        /// `baseMediaDecodeTime`, in the track's time scale.
        var start: UInt64
        /// The durations of its samples together.
        var duration: UInt64
        /// Whether its first sample needs no other.
        var beginsWithKeyFrame: Bool
    }

    /// The defaults of a track (`trex`).
    struct Defaults: Hashable, Sendable {
        var duration: UInt32
        var flags: UInt32
    }

    /// The names of the boxes at the top.
    private(set) var types: [String] = []
    private(set) var defaults: [UInt32: Defaults] = [:]
    private(set) var runs: [Run] = []

    /// Boxes are nested in boxes; deeper than any file needs.
    private static let maximumDepth = 6
    private static let isNoSyncSample: UInt32 = 0x1_0000

    /// Reads a resource whole.
    ///
    /// - Parameters:
    ///   - bytes: `ftyp` and `moov`, or `moof` and `mdat`, as often as they come.
    ///   - known: The defaults that an initialization segment gave.
    /// - Throws: When a box is cut short or lacks what it must have.
    init(_ bytes: Span<UInt8>, known: [UInt32: Defaults] = [:]) throws(ParseError) {
        defaults = known
        var reader = ByteReader(bytes)
        while reader.remaining > 0 {
            let (type, size) = try Self.header(&reader)
            types.append(type)
            let body = try reader.readSpan(size)
            if type == "moov" || type == "moof" { try container(body, depth: 1) }
        }
    }

    private static func header(_ reader: inout ByteReader) throws(ParseError) -> (type: String, size: Int) {
        let short: UInt32 = try reader.readInteger()
        var name: [UInt8] = []
        for _ in 0..<4 { name.append(try reader.readInteger()) }
        let type = String(decoding: name.map { (0x20...0x7E).contains($0) ? $0 : 0x3F }, as: UTF8.self)
        var size = UInt64(short)
        var head: UInt64 = 8
        if short == 1 {
            size = try reader.readInteger()
            head = 16
        } else if short == 0 {
            size = UInt64(reader.remaining) + 8
        }
        guard size >= head, size - head <= UInt64(reader.remaining) else {
            throw .truncated(needed: Int(clamping: size), available: reader.remaining, offset: reader.offset)
        }
        return (type, Int(size - head))
    }

    private mutating func container(_ body: Span<UInt8>, depth: Int) throws(ParseError) {
        var reader = ByteReader(body)
        var fragment = Fragment()
        while reader.remaining > 0 {
            let (type, size) = try Self.header(&reader)
            let inner = try reader.readSpan(size)
            switch type {
            case "mvex", "traf": if depth < Self.maximumDepth { try container(inner, depth: depth + 1) }
            case "trex": try takeDefaults(inner)
            case "tfhd": try fragment.takeHeader(inner, defaults)
            case "tfdt": try fragment.takeTime(inner)
            case "trun": try fragment.takeRun(inner)
            default: break
            }
        }
        guard let track = fragment.track, let start = fragment.start else { return }
        runs.append(
            Run(
                track: track, start: start, duration: fragment.duration,
                beginsWithKeyFrame: (fragment.firstFlags ?? 0) & Self.isNoSyncSample == 0))
    }

    private mutating func takeDefaults(_ body: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(body)
        _ = try reader.readInteger(as: UInt32.self)
        let track: UInt32 = try reader.readInteger()
        _ = try reader.readInteger(as: UInt32.self)
        let duration: UInt32 = try reader.readInteger()
        _ = try reader.readInteger(as: UInt32.self)
        guard defaults.count < 64 else { return }
        defaults[track] = Defaults(duration: duration, flags: try reader.readInteger())
    }

    /// The boxes of one `traf`, as they come.
    private struct Fragment {
        var track: UInt32?
        var start: UInt64?
        var duration: UInt64 = 0
        var sampleDuration: UInt32 = 0
        var sampleFlags: UInt32 = 0
        var firstFlags: UInt32?

        mutating func takeHeader(_ body: Span<UInt8>, _ defaults: [UInt32: Defaults]) throws(ParseError) {
            var reader = ByteReader(body)
            let flags = try reader.readInteger(as: UInt32.self) & 0xFF_FFFF
            let track: UInt32 = try reader.readInteger()
            self.track = track
            sampleDuration = defaults[track]?.duration ?? 0
            sampleFlags = defaults[track]?.flags ?? 0
            if flags & 0x01 != 0 { _ = try reader.readInteger(as: UInt64.self) }
            if flags & 0x02 != 0 { _ = try reader.readInteger(as: UInt32.self) }
            if flags & 0x08 != 0 { sampleDuration = try reader.readInteger() }
            if flags & 0x10 != 0 { _ = try reader.readInteger(as: UInt32.self) }
            if flags & 0x20 != 0 { sampleFlags = try reader.readInteger() }
        }

        mutating func takeTime(_ body: Span<UInt8>) throws(ParseError) {
            var reader = ByteReader(body)
            let version = try reader.readInteger(as: UInt32.self) >> 24
            start = version == 0 ? UInt64(try reader.readInteger(as: UInt32.self)) : try reader.readInteger()
        }

        mutating func takeRun(_ body: Span<UInt8>) throws(ParseError) {
            var reader = ByteReader(body)
            let flags = try reader.readInteger(as: UInt32.self) & 0xFF_FFFF
            let count: UInt32 = try reader.readInteger()
            if flags & 0x01 != 0 { _ = try reader.readInteger(as: UInt32.self) }
            let first: UInt32? = flags & 0x04 != 0 ? try reader.readInteger() : nil
            let perSample: UInt32 = 0xF00
            guard flags & perSample != 0 else {
                if count > 0 { firstFlags = firstFlags ?? first ?? sampleFlags }
                duration &+= UInt64(count) &* UInt64(sampleDuration)
                return
            }
            // Each sample takes bytes, so a large count ends where the box does.
            for index in 0..<count {
                let length: UInt32 = flags & 0x100 != 0 ? try reader.readInteger() : sampleDuration
                if flags & 0x200 != 0 { _ = try reader.readInteger(as: UInt32.self) }
                let own: UInt32 = flags & 0x400 != 0 ? try reader.readInteger() : sampleFlags
                if flags & 0x800 != 0 { _ = try reader.readInteger(as: UInt32.self) }
                if index == 0 { firstFlags = firstFlags ?? first ?? own }
                duration &+= UInt64(length)
            }
        }
    }
}
