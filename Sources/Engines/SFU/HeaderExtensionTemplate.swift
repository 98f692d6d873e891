package import RTP

/// The header extension of every packet of one track to one viewer: always of one size, with room for a number
/// (RFC 8285 §4.2).
///
/// Packets of a burst leave in one run only while they are equally long, so the size never changes.
package struct HeaderExtensionTemplate: Sendable {
    /// Bytes 0...7 and 8...11 of the extension, in the order of the wire.
    private var high: UInt64 = 0
    private var low: UInt32 = 0
    /// Bytes of the whole extension, its own header included: 0, 8 or 12.
    package private(set) var length = 0
    /// Whether each packet takes a transport-wide sequence number.
    package let hasTransportNumber: Bool

    /// A template for what was negotiated; without any extension it is empty.
    ///
    /// - Parameters:
    ///   - transportCC: The id of the transport-wide sequence number, 1...14.
    ///   - playoutDelay: The id of the playout delay, 1...14, and its value.
    package init(transportCC: UInt8? = nil, playoutDelay: (id: UInt8, value: PlayoutDelay)? = nil) {
        hasTransportNumber = transportCC != nil
        var elements: [RTPHeaderExtensions.Element] = []
        if let transportCC { elements.append(TransportSequenceNumber.element(id: transportCC, sequenceNumber: 0)) }
        if let playoutDelay { elements.append(playoutDelay.value.element(id: playoutDelay.id)) }
        guard !elements.isEmpty else { return }
        var bytes: [UInt8] = []
        RTPHeaderExtensions.append(elements, to: &bytes)
        length = bytes.count
        for index in 0..<8 { high = high << 8 | UInt64(bytes[index]) }
        if length > 8 { for index in 8..<12 { low = low << 8 | UInt32(bytes[index]) } }
    }

    /// Writes the extension.
    ///
    /// - Parameters:
    ///   - output: Behind the fixed header; with room for 12 bytes, whatever ``length`` is.
    ///   - number: The packet's transport-wide number; without meaning unless ``hasTransportNumber``.
    @inline(__always)
    package func write(to output: UnsafeMutableRawPointer, number: UInt16) {
        // The number is the first element: it lies in bytes 5 and 6.
        let first = hasTransportNumber ? high | UInt64(number) << 8 : high
        output.storeBytes(of: first.bigEndian, as: UInt64.self)
        output.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt32.self)
    }
}
