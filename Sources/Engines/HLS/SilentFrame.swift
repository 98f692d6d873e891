import Media

/// An audio frame in which there is nothing to hear, for the time in which a publisher sends none.
struct SilentFrame: Hashable, Sendable {
    var payload: [UInt8]
    /// Microseconds, of which a frame of silence covers about so many.
    var duration: Double

    /// `nil` for what we cannot write: AAC of other kinds than LC, or of more than two channels.
    init?(_ configuration: CodecConfiguration) {
        switch configuration {
        case .opus:
            // 20 ms of CELT in one frame, which says with no more bytes that there is nothing (RFC 6716 §3.1).
            (payload, duration) = ([0xFC, 0xFF, 0xFE], 20_000)
        case .aac(let bytes):
            guard let config = try? AudioSpecificConfig(parsing: bytes.span), config.objectType == 2,
                (1...2).contains(config.channels)
            else { return nil }
            payload = Self.rawDataBlock(channels: config.channels)
            duration = Double(config.samplesPerFrame) * 1_000_000 / Double(config.sampleRate)
        default: return nil
        }
    }

    /// A raw_data_block whose channels have no scale factor bands (ISO/IEC 14496-3 §4.4.2.1).
    private static func rawDataBlock(channels: Int) -> [UInt8] {
        var bits = BitWriter()
        func writeInformation() {  // ics_info: long window, max_sfb 0, no prediction
            bits.write(0, width: 1 + 2 + 1 + 6 + 1)
        }
        func writeStream(ownInformation: Bool) {
            bits.write(0, width: 8)  // global_gain
            if ownInformation { writeInformation() }
            bits.write(0, width: 3)  // no pulses, no noise shaping, no gain control
        }
        bits.write(channels == 1 ? 0 : 1, width: 3)  // a single channel, or a pair
        bits.write(0, width: 4)  // element_instance_tag
        if channels == 1 {
            writeStream(ownInformation: true)
        } else {
            bits.write(true)  // common_window
            writeInformation()
            bits.write(0, width: 2)  // ms_mask_present
            writeStream(ownInformation: false)
            writeStream(ownInformation: false)
        }
        bits.write(7, width: 3)  // end
        return bits.aligned()
    }
}
