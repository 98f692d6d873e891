import CFFmpeg

/// Turns decoded audio of any rate and layout into interleaved stereo floats at 48 kHz.
struct AudioResampler: ~Copyable {
    /// What the resampler was set up for; a stream may change it at any frame (HE-AAC announces itself late).
    private struct Format: Equatable {
        var sampleFormat: Int32
        var sampleRate: Int32
        var channels: Int32
        var order: UInt32
        var mask: UInt64

        init(_ frame: UnsafeMutablePointer<AVFrame>) {
            sampleFormat = frame.pointee.format
            sampleRate = frame.pointee.sample_rate
            channels = frame.pointee.ch_layout.nb_channels
            order = frame.pointee.ch_layout.order.rawValue
            mask = order == AV_CHANNEL_ORDER_NATIVE.rawValue ? frame.pointee.ch_layout.u.mask : 0
        }
    }

    private var context: OpaquePointer?
    private var format: Format?

    init() {}

    deinit {
        var context = context
        swr_free(&context)
    }

    /// Microseconds of input that the resampler holds back.
    var delay: Int64 {
        guard let context else { return 0 }
        return swr_get_delay(context, 1_000_000)
    }

    /// Appends the samples of `frame` to `output`.
    ///
    /// The first of them was played ``delay`` (as it was before the call) earlier than the first of `frame`.
    mutating func convert(
        _ frame: UnsafeMutablePointer<AVFrame>,
        appendingTo output: inout [Float]
    ) throws(TranscodingError) {
        try prepare(for: frame)
        guard let context else { return }
        let room = swr_get_out_samples(context, frame.pointee.nb_samples)
        guard room >= 0 else { throw .codingFailed(codec: "libswresample", code: room) }
        var code: Int32 = 0
        let samples = [Float](unsafeUninitializedCapacity: Int(room) * OpusAudioEncoder.channels) { buffer, count in
            var out = UnsafeMutableRawPointer(buffer.baseAddress)?.assumingMemoryBound(to: UInt8.self)
            let input = UnsafeRawPointer(frame.pointee.extended_data)?
                .assumingMemoryBound(to: UnsafePointer<UInt8>?.self)
            code = swr_convert(
                context,
                &out,
                room,
                UnsafeMutablePointer(mutating: input),
                frame.pointee.nb_samples
            )
            count = Int(max(code, 0)) * OpusAudioEncoder.channels
        }
        guard code >= 0 else { throw .codingFailed(codec: "libswresample", code: code) }
        output.append(contentsOf: samples)
    }

    /// Makes the next `seconds` times as much audio longer (or shorter, when negative) by `samples`, inaudibly.
    mutating func compensate(samples: Int, over distance: Int) {
        guard let context else { return }
        swr_set_compensation(context, Int32(clamping: samples), Int32(clamping: distance))
    }

    private mutating func prepare(for frame: UnsafeMutablePointer<AVFrame>) throws(TranscodingError) {
        let wanted = Format(frame)
        guard wanted != format else { return }
        swr_free(&context)
        format = nil
        var stereo = AVChannelLayout()
        av_channel_layout_default(&stereo, Int32(OpusAudioEncoder.channels))
        var code = swr_alloc_set_opts2(
            &context,
            &stereo,
            AV_SAMPLE_FMT_FLT,
            Int32(OpusAudioEncoder.sampleRate),
            &frame.pointee.ch_layout,
            AVSampleFormat(rawValue: frame.pointee.format),
            frame.pointee.sample_rate,
            0,
            nil
        )
        if code >= 0 { code = swr_init(context) }
        guard code >= 0 else {
            swr_free(&context)
            throw .openFailed(codec: "libswresample", code: code)
        }
        format = wanted
    }
}
