package import Media
import Synchronization

/// Makes AAC of the Opus of one stream, on a thread of its own.
///
/// Opus comes by WebRTC, and neither Safari nor most television sets play it from HLS.
package final class OpusToAACTranscoder: Sendable {
    /// What has happened so far.
    package struct Statistics: Hashable, Sendable {
        /// Packets forgotten because the thread could not keep up.
        package var dropped: UInt64 = 0
        package var conversion = OpusToAACConverter.Statistics()
    }

    /// Packets that may wait, about 2 s of audio.
    package static let queueLimit = 100

    /// What the thread is given; the two come in one queue, so that they stay in order.
    private enum Input: Sendable {
        case packet(EncodedFrame)
        case restart
    }

    /// What the thread has to tell when it begins.
    private final class Made: Sendable {
        let configuration = Mutex<CodecConfiguration?>(nil)
    }

    private let queue = BoundedQueue<Input>(limit: queueLimit)
    private let conversion = Mutex(OpusToAACConverter.Statistics())
    private let bitrate: Int
    private let output: @Sendable (EncodedFrame) -> Void

    /// Prepares a transcoder that does nothing before ``start()``.
    ///
    /// - Parameters:
    ///   - bitrate: Of the AAC frames, in bits per second.
    ///   - output: Receives stereo AAC-LC frames of 1,024 samples at 48 kHz, on the transcoder's thread, in order; their
    ///     times are those of the Opus at which the same sound is heard. Without gaps they follow each other exactly.
    package init(bitrate: Int = 128_000, output: @escaping @Sendable (EncodedFrame) -> Void) {
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
    /// - Returns: How the frames are encoded, whatever comes in.
    /// - Throws: ``TranscodingError`` when a codec is missing.
    package func start() throws(TranscodingError) -> CodecConfiguration {
        let (bitrate, queue, output) = (bitrate, queue, output)
        let made = Made()
        // The thread must not keep the transcoder alive: whoever forgets to stop it would leak it.
        let publish: @Sendable (OpusToAACConverter.Statistics) -> Void = { [weak self] statistics in
            self?.conversion.withLock { $0 = statistics }
        }
        try BackgroundThread.startReporting { report in
            let converter: OpusToAACConverter
            do throws(TranscodingError) {
                converter = try OpusToAACConverter(bitrate: bitrate)
            } catch {
                report(error)
                return
            }
            let configuration = converter.configuration
            made.configuration.withLock { $0 = configuration }
            report(nil)
            Self.run(converter, queue: queue, publish: publish, output: output)
        }
        guard let configuration = made.configuration.withLock({ $0 }) else {
            throw .openFailed(codec: "aac encoder", code: -1)
        }
        return configuration
    }

    /// Hands over the next packet without ever blocking.
    ///
    /// When the thread is behind, the oldest waiting packet is forgotten.
    package func write(_ packet: EncodedFrame) {
        queue.push(.packet(packet))
    }

    /// Media time counts anew from the next packet on, as with another publisher.
    package func restart() {
        queue.push(.restart)
    }

    /// Ends the thread.
    ///
    /// A frame that is being made may still come out.
    package func stop() {
        queue.close()
    }

    private static func run(
        _ first: consuming OpusToAACConverter,
        queue: BoundedQueue<Input>,
        publish: (OpusToAACConverter.Statistics) -> Void,
        output: (EncodedFrame) -> Void
    ) {
        var converter = first
        while let (input, _) = queue.pop() {
            switch input {
            case .packet(let packet):
                for frame in converter.convert(packet) { output(frame) }
                publish(converter.statistics)
            case .restart: converter.restart()
            }
        }
    }
}
