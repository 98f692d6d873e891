import Media
import MediaIO
package import Primitives
import Transcoding

/// Still pictures of streams, from their last key frames.
extension Gateway {
    /// How long a request waits for a key frame that was asked for.
    static let keyFramePatience = Duration.seconds(4)
    /// How old a key frame may be of a stream that nobody reads: asking for another costs its viewers bits.
    static let keyFrameLifetime = Duration.seconds(10)

    /// A stream's last key frame as a JPEG file.
    ///
    /// Decoded at most once for each size, on threads of its own. The frames of a WHIP publisher whom nobody reads are
    /// read until a key frame has come, which is asked for.
    ///
    /// - Parameters:
    ///   - name: A stream that somebody publishes.
    ///   - width: The most that it may be wide, in pixels; the shape is kept, and it is never made larger.
    ///   - height: The most that it may be high.
    /// - Returns: The picture.
    /// - Throws: ``GatewayRefusal``: no such stream (404), nobody publishes it or it has no picture (409), no key frame
    ///   has come, it cannot be decoded, or too many are being decoded (503).
    package func snapshot(
        of name: StreamName, width: Int? = nil, height: Int? = nil
    ) async throws(GatewayRefusal) -> StreamSnapshot {
        let keyFrame = try await keyFrame(of: name)
        return try await snapshots.snapshot(
            of: keyFrame, stream: name, within: PictureBox(width: width, height: height))
    }

    private func keyFrame(of name: StreamName) async throws(GatewayRefusal) -> KeyFrame {
        guard let stream = streams[name] else {
            throw GatewayRefusal(.unknownStream, "There is no stream \"\(name)\" at the moment.")
        }
        guard stream.publisher != nil else {
            throw GatewayRefusal(
                .notPublishing,
                "Nobody publishes \"\(name)\" at the moment. Try again when the stream is live.",
                retryAfter: .seconds(1)
            )
        }
        if !stream.tracks.isEmpty, stream.picture == nil {
            throw GatewayRefusal(.noPicture, "\"\(name)\" has sound alone: there is no picture to show.")
        }
        if let current = stream.lane.keyFrame { return current }
        if let kept = stream.keptKeyFrame, clock.now - kept.since < Self.keyFrameLifetime { return kept.keyFrame }
        let task = stream.keyFrameSearch ?? beginKeyFrameSearch(of: name)
        guard let found = await task.value else {
            throw GatewayRefusal(
                .noKeyFrame,
                "No key frame of \"\(name)\" has come in \(Self.keyFramePatience.components.seconds) s. Try again, and "
                    + "let the encoder make one every two seconds.",
                retryAfter: .seconds(2)
            )
        }
        return found
    }

    /// Reads a stream until a key frame has come; all who wait for one share it.
    private func beginKeyFrameSearch(of name: StreamName) -> Task<KeyFrame?, Never> {
        let task = Task { () -> KeyFrame? in
            let waiter = KeyFrameWaiter()
            guard let reading = try? attach(waiter, to: name) else { return nil }
            let found = await waiter.first(within: Self.keyFramePatience)
            detach(reading)
            guard streams[name]?.lane === reading.lane else { return found }
            streams[name]?.keyFrameSearch = nil
            streams[name]?.keptKeyFrame = found.map { (keyFrame: $0, since: clock.now) }
            return found
        }
        streams[name]?.keyFrameSearch = task
        return task
    }

    /// Forgets key frames that are too old to be shown.
    func forgetOldKeyFrames(at now: ContinuousClock.Instant) {
        for (name, stream) in streams {
            guard let kept = stream.keptKeyFrame, now - kept.since >= Self.keyFrameLifetime else { continue }
            streams[name]?.keptKeyFrame = nil
        }
    }
}
