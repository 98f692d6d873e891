package import Primitives
package import RTP

/// The header extension of every packet of one track to one viewer: of one size, with room for a number
/// (RFC 8285 §4.2).
///
/// Packets of a burst leave in one run only while they are equally long, so the size changes for one packet in a
/// second at most, which also says when it was captured.
package struct HeaderExtensionTemplate: Sendable {
    /// Bytes 0...7 and 8...11 of the extension, in the order of the wire.
    private var high: UInt64 = 0
    private var low: UInt32 = 0
    /// Bytes of the whole extension, its own header included: 0, 8 or 12.
    package private(set) var length = 0
    /// Whether each packet takes a transport-wide sequence number.
    package let hasTransportNumber: Bool

    /// The id of the absolute capture time, 1...14; 0 where it was not agreed.
    package let captureTimeID: UInt8
    /// Bytes that a capture time adds to an extension that is there already: id, eight bytes and padding.
    private static let captureTimeLength = 12
    /// Bytes of the extension with a capture time: at most 24.
    package var lengthWithCaptureTime: Int { max(length, 4) + Self.captureTimeLength }

    /// A template for what was negotiated; without any extension it is empty.
    ///
    /// - Parameters:
    ///   - transportCC: The id of the transport-wide sequence number, 1...14.
    ///   - playoutDelay: The id of the playout delay, 1...14, and its value.
    ///   - captureTime: The id of the absolute capture time, 1...14.
    package init(
        transportCC: UInt8? = nil, playoutDelay: (id: UInt8, value: PlayoutDelay)? = nil, captureTime: UInt8? = nil
    ) {
        hasTransportNumber = transportCC != nil
        captureTimeID = captureTime ?? 0
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

    /// Writes the extension with a capture time behind what it holds otherwise.
    ///
    /// - Parameters:
    ///   - output: Behind the fixed header; with room for ``lengthWithCaptureTime`` bytes.
    ///   - number: As for ``write(to:number:)``.
    ///   - captureTime: When the packet's frame was captured, by the clock of our sender reports.
    package func write(to output: UnsafeMutableRawPointer, number: UInt16, captureTime: NTPTime) {
        if length > 0 {
            write(to: output, number: number)
        } else {
            output.storeBytes(of: RTPHeaderExtensions.oneByteProfile.bigEndian, as: UInt16.self)
        }
        let words = UInt16(truncatingIfNeeded: (lengthWithCaptureTime - 4) / 4)
        output.storeBytes(of: words.bigEndian, toByteOffset: 2, as: UInt16.self)
        let element = output + max(length, 4)
        element.storeBytes(of: captureTimeID << 4 | 7, as: UInt8.self)
        element.storeBytes(of: captureTime.rawValue.bigEndian, toByteOffset: 1, as: UInt64.self)
        for offset in 9..<Self.captureTimeLength { element.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self) }
    }
}
