import RTP

// `#expect` takes no span as an argument: these take arrays and lend their spans.

func parseHeader(_ packet: [UInt8]) throws -> RTPHeader {
    try RTPHeader(parsing: packet.span)
}

func parseCompound(_ datagram: [UInt8]) throws -> [RTCPPacket] {
    try RTCPPacket.parseCompound(datagram.span)
}

func isRTCP(_ datagram: [UInt8]) -> Bool {
    RTCPType.isRTCP(datagram.span)
}

/// The bytes of a packet's first element with `id`.
func firstExtension(id: UInt8, of packet: [UInt8]) throws -> [UInt8]? {
    let header = try parseHeader(packet)
    return RTPHeaderExtensions.first(id: id, header: header, in: packet.span).map { Array(packet[$0]) }
}

/// Hands the bytes of an extension element to a parser.
func value<Value>(_ parser: (Span<UInt8>) -> Value?, of bytes: [UInt8]) -> Value? {
    parser(bytes.span)
}
