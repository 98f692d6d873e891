import Foundation
import Media
import MediaClient
import Primitives
import RTMP
import RTMPService
import Synchronization
import Transcoding
import TransportSecurity

/// Where the frames of `martlet publish` go.
protocol PublishDestination: Sendable {
    /// `whip` or `rtmp`.
    var name: String { get }
    /// What has been sent so far, the picture first.
    var figures: [OutgoingStatistics] { get }
    /// When the server let us in.
    var startedAt: Instant { get }

    /// Takes the next frame; never waits.
    func write(_ frame: EncodedFrame)
    /// Ends in good order.
    func close() async
}

/// A WHIP server.
final class WHIPDestination: PublishDestination {
    let name = "whip"
    let startedAt: Instant
    private let connection: ClientConnection
    private let signaling: SignalingClient
    private let resource: URL?
    private let transcoder: AACToOpusTranscoder?

    private init(
        connection: ClientConnection, signaling: SignalingClient, resource: URL?, transcoder: AACToOpusTranscoder?
    ) {
        self.connection = connection
        self.signaling = signaling
        self.resource = resource
        self.transcoder = transcoder
        startedAt = ClientConnection.now
    }

    /// Connects, and returns when media may flow.
    static func connect(
        to endpoint: URL, token: Secret?, trust: ServerTrust, source: any PublishSource, patience: Duration,
        onEnd: @escaping @Sendable (CommandEnd) -> Void
    ) async throws(CommandFailure) -> WHIPDestination {
        let connection: ClientConnection
        do throws(ClientError) {
            connection = try ClientConnection(
                .publish(source.descriptions), server: ClientOptions.address(of: endpoint))
        } catch {
            throw CommandFailure("\(error)")
        }
        let signaling = try SignalingClient(token: token, trust: trust)
        var resource: URL?
        do throws(CommandFailure) {
            let session = try await signaling.post(offer: connection.offer, to: endpoint, patience: patience) {
                Terminal.note("\($0) Trying again.")
            }
            resource = session.resource
            try accept(session.answer, by: connection, of: source)
            let transcoder = try makeTranscoder(source, into: connection)
            if let end = await connection.waitUntilConnected() { throw CommandFailure("\(end)") }
            for configuration in source.configurations { connection.configure(configuration) }
            listen(to: connection, source: source, onEnd: onEnd)
            return WHIPDestination(
                connection: connection, signaling: signaling, resource: resource, transcoder: transcoder)
        } catch {
            connection.close()
            await signaling.delete(resource)
            await signaling.close()
            throw error
        }
    }

    private static func accept(
        _ answer: [UInt8], by connection: ClientConnection, of source: any PublishSource
    ) throws(CommandFailure) {
        do throws(ClientError) {
            let accepted = Set(try connection.accept(answer: answer).map(\.codec))
            for track in source.descriptions where !accepted.contains(track.codec) {
                Terminal.note("The server does not take \(track.codec.rtpName ?? track.codec.rawValue).")
            }
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    private static func makeTranscoder(
        _ source: any PublishSource, into connection: ClientConnection
    ) throws(CommandFailure) -> AACToOpusTranscoder? {
        for case .aac(let config) in source.configurations {
            let transcoder = AACToOpusTranscoder(audioSpecificConfig: config) { connection.write($0) }
            do throws(TranscodingError) {
                try transcoder.start()
                return transcoder
            } catch {
                throw CommandFailure("the AAC sound cannot be made into Opus: \(error)")
            }
        }
        return nil
    }

    private static func listen(
        to connection: ClientConnection, source: any PublishSource, onEnd: @escaping @Sendable (CommandEnd) -> Void
    ) {
        Task {
            for await event in connection.events {
                switch event {
                case .connected, .restarted: break
                case .keyFrameRequested: source.requestKeyFrame()
                case .ended(.requested): break
                case .ended(let end): onEnd(.failed("\(end)"))
                }
            }
        }
    }

    var figures: [OutgoingStatistics] { connection.statistics.outgoing }

    func write(_ frame: EncodedFrame) {
        if frame.codec == .aac { transcoder?.write(frame) } else { connection.write(frame) }
    }

    func close() async {
        transcoder?.stop()
        connection.close()
        await signaling.delete(resource)
        await signaling.close()
    }
}

/// An RTMP server.
final class RTMPDestination: PublishDestination {
    /// How long the connection may take nothing before frames are dropped: what waits is held in memory.
    private static let patience = Interval.seconds(1)

    private struct State {
        var figures: [OutgoingStatistics]
        var blockedAt: Instant?
        /// Of the picture: what follows a dropped frame is of no use before the next key frame.
        var awaitsKeyFrame = true
    }

    let name = "rtmp"
    let startedAt: Instant
    private let publisher: RTMPPublisher
    private let state: Mutex<State>

    private init(publisher: RTMPPublisher, codecs: [Codec]) {
        self.publisher = publisher
        state = Mutex(State(figures: codecs.map { OutgoingStatistics(codec: $0) }))
        startedAt = ClientConnection.now
    }

    /// Connects, and returns when the server has let us in.
    static func connect(
        to url: RTMPURL, token: Secret?, trust: ServerTrust, source: any PublishSource,
        onEnd: @escaping @Sendable (CommandEnd) -> Void
    ) async throws(CommandFailure) -> RTMPDestination {
        var url = url
        if let token { url.streamKey += (url.streamKey.contains("?") ? "&" : "?") + "token=\(token.revealed)" }
        let publisher: RTMPPublisher
        do {
            publisher = try await RTMPPublisher.connect(to: url, trust: trust)
        } catch let error as RTMPError {
            throw CommandFailure("\(error)")
        } catch {
            throw CommandFailure(
                "\(url.isSecure ? "rtmps" : "rtmp")://\(url.host):\(url.port): \(ConnectTrouble.describe(error))")
        }
        for configuration in source.configurations { publisher.configure(configuration) }
        Task {
            do {
                try await publisher.waitForEnd()
                onEnd(.failed("the server closed the connection"))
            } catch {
                onEnd(.failed("\(error)"))
            }
        }
        return RTMPDestination(publisher: publisher, codecs: source.configurations.map(\.codec))
    }

    var figures: [OutgoingStatistics] { state.withLock { $0.figures } }

    func write(_ frame: EncodedFrame) {
        let isTaken = state.withLock { state in
            guard let index = state.figures.firstIndex(where: { $0.codec == frame.codec }) else { return false }
            let isVideo = frame.codec.kind == .video
            guard admits(&state) else {
                if isVideo { state.awaitsKeyFrame = true }
                state.figures[index].refused += 1
                return false
            }
            if isVideo, state.awaitsKeyFrame {
                guard frame.isKeyFrame else { return false }
                state.awaitsKeyFrame = false
            }
            state.figures[index].frames += 1
            if frame.isKeyFrame { state.figures[index].keyFrames += 1 }
            state.figures[index].bytes += Int64(frame.payload.count)
            return true
        }
        if isTaken { publisher.write(frame) }
    }

    private func admits(_ state: inout State) -> Bool {
        guard !publisher.isWritable else {
            state.blockedAt = nil
            return true
        }
        let blockedAt = state.blockedAt ?? ClientConnection.now
        state.blockedAt = blockedAt
        return ClientConnection.now.since(blockedAt) < Self.patience
    }

    func close() async {
        await publisher.finish()
    }
}
