import COpus

/// libopus at 48 kHz, stereo, 20 ms a packet.
struct OpusAudioEncoder: ~Copyable {
    static let sampleRate = 48_000
    static let channels = 2
    /// Samples per channel in a packet.
    static let frameSamples = 960

    private let encoder: OpaquePointer
    private var buffer: [UInt8]
    /// Samples by which a decoder's output lags behind what was encoded.
    let lookahead: Int

    /// Opens an encoder for `bitrate` bits per second, 6,000 to 510,000.
    init(bitrate: Int) throws(TranscodingError) {
        var code: Int32 = OPUS_OK
        guard
            let encoder = opus_encoder_create(
                Int32(Self.sampleRate),
                Int32(Self.channels),
                OPUS_APPLICATION_AUDIO,
                &code
            )
        else { throw .openFailed(codec: "libopus", code: code) }
        var lookahead: Int32 = 0
        // Complexity 5 costs half the time of 10 and is as good at these rates.
        for code in [
            martlet_opus_set_bitrate(encoder, Int32(clamping: bitrate)),
            martlet_opus_set_inband_fec(encoder, 1),
            martlet_opus_set_packet_loss_percentage(encoder, 5),
            martlet_opus_set_complexity(encoder, 5),
            martlet_opus_get_lookahead(encoder, &lookahead),
        ] where code != OPUS_OK {
            opus_encoder_destroy(encoder)
            throw .openFailed(codec: "libopus", code: code)
        }
        self.encoder = encoder
        self.lookahead = Int(lookahead)
        // Larger than any packet of 20 ms (RFC 6716 §3.4).
        buffer = [UInt8](repeating: 0, count: 1_500)
    }

    deinit {
        opus_encoder_destroy(encoder)
    }

    /// Encodes 20 ms of interleaved samples in -1...1.
    ///
    /// - Precondition: `samples` holds ``frameSamples`` pairs.
    mutating func encode(_ samples: [Float]) throws(TranscodingError) -> [UInt8] {
        precondition(samples.count == Self.frameSamples * Self.channels, "Opus takes 20 ms at a time")
        let count = opus_encode_float(encoder, samples, Int32(Self.frameSamples), &buffer, Int32(buffer.count))
        guard count > 0 else { throw .codingFailed(codec: "libopus", code: count) }
        return Array(buffer[..<Int(count)])
    }
}
