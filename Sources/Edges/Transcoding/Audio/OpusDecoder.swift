import COpus

/// libopus at 48 kHz, stereo whatever the packets hold.
struct OpusDecoder: ~Copyable {
    static let sampleRate = 48_000
    static let channels = 2
    /// Samples per channel of the longest packet, 120 ms (RFC 6716 §3.2.5).
    static let maximumSamples = 5_760

    private let decoder: OpaquePointer
    private var buffer = [Float](repeating: 0, count: maximumSamples * channels)

    init() throws(TranscodingError) {
        var code: Int32 = OPUS_OK
        guard let decoder = opus_decoder_create(Int32(Self.sampleRate), Int32(Self.channels), &code) else {
            throw .openFailed(codec: "libopus decoder", code: code)
        }
        self.decoder = decoder
    }

    deinit {
        opus_decoder_destroy(decoder)
    }

    /// The interleaved samples of a packet, in -1...1.
    ///
    /// - Throws: ``TranscodingError/codingFailed(codec:code:)`` for an empty packet and one that makes no sense.
    mutating func decode(_ packet: [UInt8]) throws(TranscodingError) -> [Float] {
        guard !packet.isEmpty else { throw .codingFailed(codec: "libopus decoder", code: OPUS_INVALID_PACKET) }
        let count = opus_decode_float(
            decoder, packet, Int32(clamping: packet.count), &buffer, Int32(Self.maximumSamples), 0)
        guard count >= 0 else { throw .codingFailed(codec: "libopus decoder", code: count) }
        return Array(buffer[..<(Int(count) * Self.channels)])
    }

    /// What the decoder makes up in place of lost packets: `count` samples per channel, which fade into silence.
    ///
    /// `count` is a multiple of 120 (2.5 ms) and at most ``maximumSamples``.
    mutating func conceal(_ count: Int) -> [Float] {
        let made = opus_decode_float(decoder, nil, 0, &buffer, Int32(clamping: count), 0)
        guard made > 0 else { return [Float](repeating: 0, count: count * Self.channels) }
        return Array(buffer[..<(Int(made) * Self.channels)])
    }
}
