package import Media
import Synchronization

/// Makes Opus of the AAC of one stream, on a thread of its own.
///
/// AAC comes by RTMP, and browsers that watch by WebRTC cannot play it.
package final class AACToOpusTranscoder: Sendable {
    /// What has happened so far.
    package struct Statistics: Hashable, Sendable {
        /// Frames forgotten because the thread could not keep up.
        package var dropped: UInt64 = 0
        package var conversion = AACToOpusConverter.Statistics()
    }

    /// Frames that may wait, about 1.4 s of audio: enough for a machine that stalls, too few to hide that it is
    /// overloaded.
    package static let queueLimit = 64

    private let queue = BoundedQueue<EncodedFrame>(limit: queueLimit)
    private let conversion = Mutex(AACToOpusConverter.Statistics())
    private let audioSpecificConfig: [UInt8]
    private let bitrate: Int
    private let output: @Sendable (EncodedFrame) -> Void

    /// Prepares a transcoder that does nothing before ``start()``.
    ///
    /// - Parameters:
    ///   - audioSpecificConfig: As ISO/IEC 14496-3 §1.6.2.1 defines it.
    ///   - bitrate: Of the Opus packets, in bits per second.
    ///   - output: Receives stereo Opus packets of 20 ms, on the transcoder's thread, in order; their times are those
    ///     of the AAC at which the same sound is heard.
    package init(
        audioSpecificConfig: [UInt8],
        bitrate: Int = 96_000,
        output: @escaping @Sendable (EncodedFrame) -> Void
    ) {
        self.audioSpecificConfig = audioSpecificConfig
        self.bitrate = bitrate
        self.output = output
    }

    deinit {
        queue.close()
    }

    package var statistics: Statistics {
        Statistics(dropped: queue.droppedCount, conversion: conversion.withLock { $0 })
    }

    /// Opens the codecs and starts the thread; waits a few milliseconds for both.
    ///
    /// - Throws: ``TranscodingError`` when a codec is missing or refuses the configuration.
    package func start() throws(TranscodingError) {
        let (config, bitrate, queue, output) = (audioSpecificConfig, bitrate, queue, output)
        // The thread must not keep the transcoder alive: whoever forgets to stop it would leak it.
        let publish: @Sendable (AACToOpusConverter.Statistics) -> Void = { [weak self] statistics in
            self?.conversion.withLock { $0 = statistics }
        }
        try BackgroundThread.startReporting { report in
            let converter: AACToOpusConverter
            do throws(TranscodingError) {
                converter = try AACToOpusConverter(audioSpecificConfig: config, bitrate: bitrate)
            } catch {
                report(error)
                return
            }
            report(nil)
            Self.run(converter, queue: queue, publish: publish, output: output)
        }
    }

    /// Hands over the next frame without ever blocking.
    ///
    /// When the thread is behind, the oldest waiting frame is forgotten.
    package func write(_ frame: EncodedFrame) {
        queue.push(frame)
    }

    /// Ends the thread.
    ///
    /// A packet that is being made may still come out.
    package func stop() {
        queue.close()
    }

    private static func run(
        _ first: consuming AACToOpusConverter,
        queue: BoundedQueue<EncodedFrame>,
        publish: (AACToOpusConverter.Statistics) -> Void,
        output: (EncodedFrame) -> Void
    ) {
        var converter = first
        var knownLosses: UInt64 = 0
        while let (frame, losses) = queue.pop() {
            if losses != knownLosses { converter.noteLoss() }
            knownLosses = losses
            for packet in converter.convert(frame) { output(packet) }
            publish(converter.statistics)
        }
    }
}
