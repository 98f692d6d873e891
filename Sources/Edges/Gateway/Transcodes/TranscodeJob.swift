package import Media
import Synchronization
package import Transcoding

/// A stream's picture being encoded anew, with a frame lane for each rendition.
///
/// The bridge between the lane of the stream, where it is a reader, and those of its renditions, where WebRTC tracks
/// and other services read on.
package final class TranscodeJob: FrameReader {
    /// One of the sizes.
    package struct Rendition: Sendable {
        /// As in `480p`; `source` for the publisher's size.
        package let name: String
        package let form: VideoRendition
        /// The frames, for whoever reads them.
        package let lane: FrameLane
    }

    /// The largest first.
    package let renditions: [Rendition]
    private let transcoder: VideoTranscoder

    /// Starts to encode what it will be told of the stream.
    ///
    /// - Parameters:
    ///   - forms: At least one, the largest first.
    ///   - encoder: Which encoder of H.264 to use; see ``TranscodingPolicy/encoder``.
    ///   - needsKeyFrame: The publisher should make a key frame. Called on any thread; must not wait.
    /// - Throws: ``TranscodingError`` when there is no encoder or no thread.
    init(
        _ forms: [VideoRendition],
        encoder: String,
        needsKeyFrame: @escaping @Sendable () -> Void
    ) throws(TranscodingError) {
        let renditions = forms.map { form in
            Rendition(name: form.height.map { "\($0)p" } ?? "source", form: form, lane: FrameLane())
        }
        let lanes = renditions.map { RenditionWriter($0.lane) }
        self.renditions = renditions
        transcoder = VideoTranscoder(renditions: forms, encoder: encoder, needsKeyFrame: needsKeyFrame) {
            lanes[$0].write($1)
        }
        try transcoder.start()
    }

    var statistics: VideoTranscoder.Statistics { transcoder.statistics }

    package func receive(_ event: FrameEvent) {
        transcoder.receive(event)
    }

    /// Makes the next picture a key frame.
    func requestKeyFrame() {
        transcoder.requestKeyFrame()
    }

    /// Ends the thread; readers of the renditions are told that it is over.
    func stop() {
        transcoder.stop()
        for rendition in renditions { rendition.lane.close() }
    }
}

/// Puts a transcoder's events onto a lane.
private final class RenditionWriter: Sendable {
    private let lane: FrameLane
    private let writer = Mutex<FrameLane.Writer?>(nil)

    init(_ lane: FrameLane) {
        self.lane = lane
    }

    func write(_ event: FrameEvent) {
        switch event {
        case .began(let epoch):
            let opened = lane.open()
            writer.withLock { $0 = opened }
            opened.begin(
                unixNanosecondsAtZero: epoch.unixNanosecondsAtZero, kinds: epoch.kinds, number: epoch.number)
        case .configured(let configuration): writer.withLock { $0 }?.configure(configuration)
        case .frame(let frame): writer.withLock { $0 }?.write(frame)
        case .clock(let zero): writer.withLock { $0 }?.setClock(unixNanosecondsAtZero: zero)
        case .ended: lane.end()
        case .closed: lane.close()
        }
    }
}
