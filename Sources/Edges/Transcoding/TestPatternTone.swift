import Glibc

/// The sound of the test pattern: 1 kHz for the first tenth of each second, then silence.
struct TestPatternTone: Sendable {
    private static let frequency = 1_000
    private static let amplitude: Float = 0.4
    /// Samples over which the tone swells and fades, so that it does not click.
    private static let ramp = 96

    /// One period of the tone; its length divides the second, so every beep begins with the same phase.
    private let wave: [Float]

    init() {
        let length = OpusAudioEncoder.sampleRate / Self.frequency
        wave = (0..<length).map { Self.amplitude * sinf(2 * .pi * Float($0) / Float(length)) }
    }

    /// 20 ms of interleaved stereo whose first sample is heard at `timeOfDay` microseconds since midnight.
    func samples(at timeOfDay: Int64) -> [Float] {
        let rate = Int64(OpusAudioEncoder.sampleRate)
        let first = timeOfDay % 1_000_000 * rate / 1_000_000
        let toneLength = Int(TestPatternPainter.signalDuration * rate / 1_000_000)
        var samples = [Float](repeating: 0, count: OpusAudioEncoder.frameSamples * OpusAudioEncoder.channels)
        for index in 0..<OpusAudioEncoder.frameSamples {
            let position = Int((first + Int64(index)) % rate)
            guard position < toneLength else { continue }
            let edge = min(position, toneLength - 1 - position, Self.ramp)
            let value = wave[position % wave.count] * Float(edge) / Float(Self.ramp)
            samples[2 * index] = value
            samples[2 * index + 1] = value
        }
        return samples
    }
}
