import Primitives

/// A frame under way in an ``RTPDepacketizer``.
///
/// What cannot be part of a sound frame marks it as damaged and is left out; nothing here throws to the caller, since
/// the packets behind a bad one still tell where the frame ends.
struct FrameAssembly: Sendable {
    let codec: Codec
    let timestamp: UInt32
    private let maximumSize: Int
    /// Whether packets were lost right before the first one of the frame, which may have been its own.
    ///
    /// Becomes `false` when the content shows that the frame begins here.
    var mayLackStart: Bool
    /// As ``EncodedFrame/payload`` lays it out.
    private(set) var payload: [UInt8] = []
    /// The unit whose end has not come yet.
    private var fragment: [UInt8]?
    /// NAL units or OBUs in ``payload``.
    private var unitCount = 0
    /// VP9: the layer frame under way has not ended.
    var isInsideLayer = false
    var isKeyFrame = false
    private(set) var damage: ReceivedFrame.Damage?

    init(codec: Codec, timestamp: UInt32, maximumSize: Int, mayLackStart: Bool) {
        self.codec = codec
        self.timestamp = timestamp
        self.maximumSize = maximumSize
        self.mayLackStart = mayLackStart
    }

    /// Takes note that packets of the frame are missing before the next one, or behind the last.
    mutating func noteLoss() {
        fragment = nil
        if damage == nil { damage = .packetsLost }
    }

    /// Adds one payload, which is not empty.
    mutating func add(_ payload: Span<UInt8>) {
        do throws(ParseError) {
            switch codec {
            case .h264: try addH264(payload)
            case .h265: try addH265(payload)
            case .vp8: try addVP8(payload)
            case .vp9: try addVP9(payload)
            case .av1: try addAV1(payload)
            case .opus:
                _ = try OpusPacketHeader(parsing: payload)
                try append(payload)
            case .pcmu, .pcma: try append(payload)
            case .aac: throw .invalid(field: "codec without an RTP payload format")
            }
        } catch {
            fragment = nil
            guard damage == nil else { return }
            if case .limitExceeded = error { return damage = .malformed(error) }
            // Behind a loss the rest cannot be expected to fit.
            damage = mayLackStart && codec.kind == .video ? .packetsLost : .malformed(error)
        }
    }

    /// Judges the whole when its last packet has come.
    mutating func end() {
        if fragment != nil || isInsideLayer, damage == nil {
            damage = .malformed(.invalid(field: "frame without an end"))
        }
        if mayLackStart, codec.kind == .video, damage == nil { damage = .packetsLost }
        // A part of a VP8 or VP9 frame decodes to garbage.
        if damage != nil, codec == .vp8 || codec == .vp9 { payload = [] }
    }

    // MARK: - Content

    var isEmpty: Bool { payload.isEmpty }

    mutating func append(_ bytes: Span<UInt8>) throws(ParseError) {
        try require(bytes.count)
        payload.append(bytes)
    }

    /// Appends a NAL unit behind its length.
    mutating func appendNALUnit(_ unit: Span<UInt8>) throws(ParseError) {
        guard unitCount < NALUnits.maximumCount else { throw .limitExceeded(what: "NAL units of a frame") }
        try require(unit.count + 4)
        unitCount += 1
        for shift in [24, 16, 8, 0] { payload.append(UInt8(truncatingIfNeeded: unit.count >> shift)) }
        payload.append(unit)
    }

    /// Appends an OBU behind its header and size.
    mutating func appendOBU(header: [UInt8], _ content: Span<UInt8>) throws(ParseError) {
        guard unitCount < OpenBitstreamUnit.maximumCount else {
            throw .limitExceeded(what: "OBUs of a temporal unit")
        }
        // The size takes at most five bytes.
        try require(header.count + content.count + 5)
        unitCount += 1
        payload.append(contentsOf: header)
        payload.appendLEB128(content.count)
        payload.append(content)
    }

    private func require(_ count: Int) throws(ParseError) {
        guard payload.count + (fragment?.count ?? 0) + count <= maximumSize else {
            throw .limitExceeded(what: "frame size")
        }
    }

    // MARK: - Fragments

    var hasFragment: Bool { fragment != nil }

    /// Begins a unit of which further parts must follow.
    mutating func openFragment(_ first: [UInt8]) throws(ParseError) {
        guard fragment == nil else { throw .invalid(field: "fragment without an end") }
        try require(first.count)
        fragment = first
    }

    mutating func extendFragment(_ part: Span<UInt8>) throws(ParseError) {
        guard fragment != nil else { throw .invalid(field: "fragment without a beginning") }
        try require(part.count)
        fragment?.append(part)
    }

    /// Ends the unit and returns it.
    mutating func takeFragment() throws(ParseError) -> [UInt8] {
        guard let whole = fragment else { throw .invalid(field: "fragment without a beginning") }
        fragment = nil
        return whole
    }
}

extension [UInt8] {
    /// Appends a copy of `bytes`.
    mutating func append(_ bytes: Span<UInt8>) {
        reserveCapacity(count + bytes.count)
        for index in bytes.indices { append(bytes[index]) }
    }
}
