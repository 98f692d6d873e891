package import Media
import Synchronization

/// Decodes the video of a stream and encodes it in one or several renditions, on a thread of its own.
///
/// It reads a stream's frames like HLS and recording do, and gives each rendition as such events again: what it is told
/// of epochs, clocks and ends comes out in the right places. Times are those of the publisher, so that the sound of the
/// stream belongs to each rendition. Sound is left out.
///
/// Work that cannot be done in time is left undone: with several frames waiting, pictures are decoded but not encoded;
/// once one has waited for two seconds, everything up to the next key frame is forgotten.
package final class VideoTranscoder: FrameReader {
    /// What has happened so far.
    package struct Statistics: Hashable, Sendable {
        /// Frames forgotten, and pictures not encoded, because the thread could not keep up.
        package var dropped: UInt64 = 0
        package var conversion = VideoConverter.Statistics()
    }

    /// With more frames than this waiting, pictures are not encoded.
    static let hurriedBacklog = 6

    package let renditions: [VideoRendition]
    private let backlog = FrameBacklog()
    private let conversion = Mutex(VideoConverter.Statistics())
    private let wantsKeyFrame = Atomic(false)
    private let encoder: String
    private let output: @Sendable (Int, FrameEvent) -> Void
    private let needsKeyFrame: @Sendable () -> Void

    /// Prepares a transcoder that does nothing before ``start()``.
    ///
    /// - Parameters:
    ///   - renditions: At least one. They share the decoder, and have their key frames at the same times.
    ///   - encoder: For H.264: a name of ``VideoEncoderBackend/h264``, or `auto`.
    ///   - needsKeyFrame: The publisher's next key frame is needed soon. Called on any thread; must not wait.
    ///   - output: Receives the number of a rendition and its next event, on the transcoder's thread, in order.
    package init(
        renditions: [VideoRendition],
        encoder: String = "auto",
        needsKeyFrame: @escaping @Sendable () -> Void = {},
        output: @escaping @Sendable (_ rendition: Int, FrameEvent) -> Void
    ) {
        self.renditions = renditions
        self.encoder = encoder
        self.needsKeyFrame = needsKeyFrame
        self.output = output
    }

    deinit {
        backlog.close()
    }

    package var statistics: Statistics {
        let conversion = conversion.withLock { $0 }
        return Statistics(dropped: backlog.droppedCount &+ conversion.skipped, conversion: conversion)
    }

    /// Starts the thread.
    ///
    /// - Throws: ``TranscodingError/codecUnavailable(name:)`` when there is no encoder for a rendition, and
    ///   ``TranscodingError/threadUnavailable``.
    package func start() throws(TranscodingError) {
        for rendition in renditions {
            guard !VideoEncoderBackend.available(for: rendition.codec, preferring: encoder).isEmpty else {
                throw .codecUnavailable(name: "\(rendition.codec.rawValue) encoder")
            }
        }
        let (renditions, encoder, backlog, output) = (renditions, encoder, backlog, output)
        // The thread must not keep the transcoder alive: whoever forgets to stop it would leak it.
        let state: @Sendable (VideoConverter.Statistics?) -> Bool = { [weak self] statistics in
            guard let self else { return false }
            if let statistics { conversion.withLock { $0 = statistics } }
            return wantsKeyFrame.exchange(false, ordering: .relaxed)
        }
        let help: @Sendable () -> Void = { [weak self] in self?.needsKeyFrame() }
        try BackgroundThread.start {
            Self.run(renditions, encoder: encoder, backlog: backlog, state: state, help: help, output: output)
        }
    }

    /// Takes the next event without ever blocking; ``FrameEvent/closed`` ends the thread.
    package func receive(_ event: FrameEvent) {
        if backlog.push(event, at: DeadlineClock.monotonicMicroseconds()) { needsKeyFrame() }
    }

    /// Makes the next picture of all renditions a key frame, unless the last one is hardly older.
    package func requestKeyFrame() {
        wantsKeyFrame.store(true, ordering: .relaxed)
    }

    /// Ends the thread; a frame that is being made may still come out.
    package func stop() {
        backlog.close()
    }

    private static func run(
        _ renditions: [VideoRendition],
        encoder: String,
        backlog: FrameBacklog,
        state: (VideoConverter.Statistics?) -> Bool,
        help: () -> Void,
        output: @escaping (Int, FrameEvent) -> Void
    ) {
        var converter = VideoConverter(renditions: renditions, encoder: encoder)
        func emit(_ rendition: Int, _ made: VideoConverter.Output) {
            switch made {
            case .configured(let configuration): output(rendition, .configured(configuration))
            case .frame(let frame): output(rendition, .frame(frame))
            }
        }
        func tell(_ event: FrameEvent) {
            for index in renditions.indices { output(index, event) }
        }
        while let item = backlog.pop() {
            if state(nil) { converter.requestKeyFrame() }
            switch item.event {
            case .began(var epoch):
                converter.restart()
                epoch.kinds = [.video]
                tell(.began(epoch))
            case .configured(let configuration):
                guard configuration.codec.kind == .video else { continue }
                converter.configure(configuration, output: emit)
            case .frame(let frame):
                let waited = converter.waitsForKeyFrame
                converter.convert(frame, isLate: item.backlog > hurriedBacklog, output: emit)
                if converter.waitsForKeyFrame, !waited { help() }
            case .clock: tell(item.event)
            case .ended:
                converter.finish(output: emit)
                tell(.ended)
            case .closed:
                converter.finish(output: emit)
                tell(.closed)
                _ = state(converter.statistics)
                return
            }
            if state(converter.statistics) { converter.requestKeyFrame() }
        }
    }
}
