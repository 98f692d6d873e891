package import Media
import Synchronization

/// A live stream made in process: a moving picture with the time of day, and a beep with a flash at each full second.
///
/// H.264 constrained baseline and stereo Opus of 20 ms, both on one media clock that starts at 0 and runs in real time
/// from absolute deadlines: it never drifts. A machine that stalls for long skips media instead of sending it in a
/// burst.
package final class TestPatternSource: Sendable {
    /// The form of the stream.
    package struct Settings: Hashable, Sendable {
        /// Even numbers of pixels.
        package var width: Int
        package var height: Int
        /// 1 to 120; whole numbers, so that a frame falls on each full second.
        package var framesPerSecond: Int
        /// Of the video, in bits per second.
        package var videoBitrate: Int
        /// Of the audio, in bits per second.
        package var audioBitrate: Int
        /// Seconds from one key frame to the next.
        package var keyFrameSeconds: Int

        package init(
            width: Int = 640,
            height: Int = 360,
            framesPerSecond: Int = 30,
            videoBitrate: Int = 1_000_000,
            audioBitrate: Int = 64_000,
            keyFrameSeconds: Int = 2
        ) {
            self.width = width
            self.height = height
            self.framesPerSecond = framesPerSecond
            self.videoBitrate = videoBitrate
            self.audioBitrate = audioBitrate
            self.keyFrameSeconds = keyFrameSeconds
        }
    }

    /// What the thread and its owner share.
    final class Control: Sendable {
        let isStopped = Atomic(false)
        let wantsKeyFrame = Atomic(false)
    }

    private let settings: Settings
    private let control = Control()
    private let configuration: @Sendable (CodecConfiguration) -> Void
    private let frame: @Sendable (EncodedFrame) -> Void

    /// Prepares a source that does nothing before ``start()``.
    ///
    /// - Parameters:
    ///   - settings: The form of the stream.
    ///   - configuration: Called once for video and once for audio before the first frame, on the source's thread.
    ///   - frame: Called with each frame of either track when its time has come, on the source's thread.
    package init(
        settings: Settings = Settings(),
        configuration: @escaping @Sendable (CodecConfiguration) -> Void,
        frame: @escaping @Sendable (EncodedFrame) -> Void
    ) {
        self.settings = settings
        self.configuration = configuration
        self.frame = frame
    }

    deinit {
        stop()
    }

    /// Opens the encoders and starts the thread; waits a few milliseconds for both.
    ///
    /// - Throws: ``TranscodingError/codecUnavailable(name:)`` where libavcodec has no libx264, and others when an
    ///   encoder refuses the settings.
    package func start() throws(TranscodingError) {
        let (settings, control, configuration, frame) = (settings, control, configuration, frame)
        try BackgroundThread.startReporting { report in
            var generator: TestPatternGenerator
            do throws(TranscodingError) {
                generator = try TestPatternGenerator(settings: settings, wallClock: WallClock.now())
            } catch {
                report(error)
                return
            }
            report(nil)
            generator.run(control, configuration: configuration, frame: frame)
        }
    }

    /// Makes the next picture a key frame.
    package func requestKeyFrame() {
        control.wantsKeyFrame.store(true, ordering: .relaxed)
    }

    /// Ends the stream within one frame; what is being made at this moment may still come out.
    package func stop() {
        control.isStopped.store(true, ordering: .relaxed)
    }
}
