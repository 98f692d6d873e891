import Foundation
import M3U8
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import TransportSecurity

/// All viewers of a run.
///
/// Everything happens on one event loop, so nothing is shared.
final class LoadRun {
    let target: LoadTarget
    private let options: LoadOptions
    private let security: NIOSSLContext?
    private let loop: NIOIsolatedEventLoop
    private let progress: @Sendable (LoadProgress) -> Void
    private let promise: EventLoopPromise<LoadFigures>
    private let start = NIODeadline.now()
    var figures = LoadFigures()
    private(set) var isRunning = true
    private var viewers = 0
    private var open: [ObjectIdentifier: ViewerConnection] = [:]
    private var paths: [String: String] = [:]
    private var playlists: [String: (body: ByteBuffer, playlist: MediaPlaylist)] = [:]
    private var tickPlannedAt = NIODeadline.now()
    private var steadySince: NIODeadline?

    private static let tick = TimeAmount.milliseconds(20)
    /// An answer that takes longer is none.
    private static let patience = 20.0
    private static let maximumKept = 2048

    init(
        _ target: LoadTarget, _ options: LoadOptions, _ security: NIOSSLContext?, on loop: NIOIsolatedEventLoop,
        progress: @escaping @Sendable (LoadProgress) -> Void, promise: EventLoopPromise<LoadFigures>
    ) {
        self.target = target
        self.options = options
        self.security = security
        self.loop = loop
        self.progress = progress
        self.promise = promise
    }

    /// Seconds since the run began.
    var now: Double { Double((NIODeadline.now() - start).nanoseconds) / 1e9 }

    func wallClock() -> Double { Date.now.timeIntervalSince1970 }

    func begin() {
        tickPlannedAt = .now() + Self.tick
        loop.scheduleTask(in: Self.tick) { self.doTick() }
    }

    /// Looks after everything that is not an answer to a request.
    private func doTick() {
        guard isRunning else { return }
        figures.ownDelays.add(Double((NIODeadline.now() - tickPlannedAt).nanoseconds) / 1e6)
        let due = min(options.viewers, Int(now * options.ramp) + 1)
        while viewers < due {
            viewers += 1
            connect(to: target.url, rendition: 0, beganAt: now)
        }
        if viewers == options.viewers, steadySince == nil {
            steadySince = .now()
            // What viewers see while others still arrive is another question.
            let before = figures
            figures = LoadFigures()
            figures.starts = before.starts
            figures.keepErrors(of: before)
        }
        for connection in open.values where now - connection.askedAt > Self.patience {
            figures.fail("no answer in \(Int(Self.patience)) s")
            connection.close()
        }
        progress(LoadProgress(seconds: now, viewers: viewers, connections: open.count, figures: figures))
        if let steadySince, NIODeadline.now() - steadySince >= options.duration { return end() }
        tickPlannedAt = .now() + Self.tick
        loop.scheduleTask(in: Self.tick) { self.doTick() }
    }

    func end() {
        guard isRunning else { return }
        isRunning = false
        for connection in open.values { connection.close() }
        open = [:]
        promise.succeed(figures)
    }

    // MARK: Connections

    func connect(to url: URL, rendition: Int, beganAt: Double) {
        guard isRunning else { return }
        let connection = ViewerConnection(self, url: url, rendition: rendition, beganAt: beganAt)
        let bound = NIOLoopBound(connection, eventLoop: loop.nonisolated())
        ClientBootstrap(group: loop.nonisolated())
            .connectTimeout(.seconds(10))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { [security, host = target.host] channel in
                channel.eventLoop.makeCompletedFuture {
                    if let security {
                        try channel.pipeline.syncOperations.addHandler(ServerTrust.handler(security, host: host))
                    }
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .connect(host: target.host, port: target.port)
            .assumeIsolated()
            .whenFailure { _ in self.figures.fail("no connection") }
    }

    func opened(_ connection: ViewerConnection) {
        open[ObjectIdentifier(connection)] = connection
    }

    func closed(_ connection: ViewerConnection, isExpected: Bool) {
        guard open.removeValue(forKey: ObjectIdentifier(connection)) != nil, isRunning, !isExpected else { return }
        figures.fail("the server closed a connection")
    }

    // MARK: What viewers have in common

    /// Where an address in a playlist leads; all viewers ask for the same ones.
    func path(_ uri: String, from base: URL) -> String? {
        if let known = paths[uri] { return known }
        guard let url = URL(string: uri, relativeTo: base)?.absoluteURL else { return nil }
        if paths.count >= Self.maximumKept { paths = [:] }
        let path = LoadTarget.path(url)
        paths[uri] = path
        return path
    }

    /// Reads a playlist, once for all who get the same.
    func parse(_ body: ByteBuffer, of url: URL) -> MediaPlaylist? {
        let key = url.path()
        if let known = playlists[key], known.body == body { return known.playlist }
        guard let playlist = try? MediaPlaylist(parsing: Array(body.readableBytesView).span) else { return nil }
        playlists[key] = (body, playlist)
        return playlist
    }
}
