import Primitives

/// Payloads of VP8 (RFC 7741) and VP9 (RFC 9628).
extension FrameAssembly {
    mutating func addVP8(_ bytes: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(bytes)
        let descriptor = try VP8PayloadDescriptor(parsing: &reader)
        guard descriptor.startsFrame == isEmpty else { throw .invalid(field: "VP8 start of partition") }
        let data = reader.readRemaining()
        guard !data.isEmpty else { throw .truncated(needed: 1, available: 0, offset: bytes.count) }
        if isEmpty {
            // The lowest bit of the frame tag is 0 in key frames (RFC 6386 §9.1).
            isKeyFrame = data[0] & 1 == 0
            mayLackStart = false
        }
        try append(data)
    }

    /// The layer frames of one picture share a timestamp and stand one behind the other, as a decoder takes them.
    mutating func addVP9(_ bytes: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(bytes)
        let descriptor = try VP9PayloadDescriptor(parsing: &reader)
        guard descriptor.startsFrame != isInsideLayer else { throw .invalid(field: "VP9 start of frame") }
        let data = reader.readRemaining()
        guard !data.isEmpty else { throw .truncated(needed: 1, available: 0, offset: bytes.count) }
        if isEmpty {
            let isBase = (descriptor.spatialLayer ?? 0) == 0
            isKeyFrame = isBase && !descriptor.isInterPredicted
            if isBase { mayLackStart = false }
        }
        isInsideLayer = !descriptor.endsFrame
        try append(data)
    }
}
