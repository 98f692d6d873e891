package import Gateway
package import HLS
package import Logging
import Media
package import Primitives
import ServiceLifecycle
import Synchronization
import Telemetry

/// Streams by HLS: begins to read a stream when somebody asks for it, and stops when nobody does any more.
package final class HLSService: HLSSource, Service, CustomStringConvertible {
    private struct Entry {
        var stream: HLSStream
        var input: PlayableFrames
        var reading: FrameReading
        var renditions: StreamRenditions
    }

    private struct State {
        var entries: [StreamName: Entry] = [:]
        /// Names that nobody published a moment ago, so that asking again costs nothing.
        var missing: [StreamName: Instant] = [:]
    }

    /// What the service is told from elsewhere.
    private enum Wish: Sendable {
        case keyFrame(StreamName)
        /// Its picture has become VP8, or something else.
        case replacement(StreamName)
        case news(StreamNews)
    }

    /// A stream that nobody has asked for so long is no longer read, where HLS starts on demand.
    static let idleLimit = Interval.seconds(60)
    /// A stream that is over is served so long.
    static let closedGrace = Interval.seconds(60)
    static let missingLifetime = Interval.milliseconds(500)
    static let maximumMissing = 1_024

    private let configuration: HLSServiceConfiguration
    private let gateway: Gateway
    private let logger: Logger
    private let budget: MemoryBudget
    private let clock: HLSClock
    private let state = Mutex(State())
    private let wishes: AsyncStream<Wish>
    private let report: AsyncStream<Wish>.Continuation

    package var description: String { "HLS" }

    /// - Parameters:
    ///   - configuration: How to cut, and when to begin.
    ///   - gateway: Where the streams are.
    ///   - logger: For starts and ends.
    ///   - clock: What time it is; tests say so themselves.
    package init(
        configuration: HLSServiceConfiguration, gateway: Gateway, logger: Logger, clock: HLSClock = .system
    ) {
        self.configuration = configuration
        self.gateway = gateway
        self.logger = logger
        self.clock = clock
        budget = MemoryBudget(limit: configuration.maximumBytes)
        (wishes, report) = AsyncStream.makeStream(of: Wish.self, bufferingPolicy: .bufferingNewest(1_024))
    }

    // MARK: Requests

    package func answer(
        _ name: ResourceName, directives: PlaylistDirectives, stream: StreamName
    ) async -> HLSAnswer {
        let known = state.withLock { $0.entries[stream] }
        switch name {
        case .multivariant, .media:
            if let known, !known.stream.isClosed { return await answer(name, directives, known) }
            // One that is over may have begun again.
            if let started = await start(stream) { return await answer(name, directives, started) }
            guard let known else { return .notPublishing }
            return await known.stream.answer(name, directives: directives)
        case .map, .segment, .part:
            guard let known else { return .notFound }
            return await known.stream.answer(name, directives: directives)
        }
    }

    private func answer(_ name: ResourceName, _ directives: PlaylistDirectives, _ entry: Entry) async -> HLSAnswer {
        // Whoever begins to watch is told of all sizes that there are.
        if name == .multivariant { await entry.renditions.beginLadder() }
        return await entry.stream.answer(name, directives: directives)
    }

    /// Reads a stream from now on; `nil` when nobody publishes it.
    private func start(_ name: StreamName) async -> Entry? {
        let now = clock.now()
        let isMissing = state.withLock { state in state.missing[name].map { now < $0 } ?? false }
        guard !isMissing else { return nil }

        let report = report
        let wantKeyFrame: @Sendable () -> Void = { report.yield(.keyFrame(name)) }
        let stream = HLSStream(
            configuration: configuration.presentation, budget: budget, unixSeconds: clock.unixSeconds(),
            now: clock.now, onKeyFrameWanted: wantKeyFrame)
        let input = PlayableFrames(output: stream, logger: logger) { report.yield(.replacement(name)) }
        let renditions = StreamRenditions(of: name, gateway: gateway, input: input, output: stream, now: clock.now)
        let reading: FrameReading
        do throws(GatewayRefusal) {
            reading = try await gateway.attach(input, to: name)
        } catch {
            state.withLock { state in
                if state.missing.count >= Self.maximumMissing { state.missing = [:] }
                state.missing[name] = now + Self.missingLifetime
            }
            return nil
        }
        // Somebody else may have been faster.
        let (winner, loser) = state.withLock { state -> (Entry, Entry?) in
            let entry = Entry(stream: stream, input: input, reading: reading, renditions: renditions)
            if let first = state.entries[name], !first.stream.isClosed { return (first, entry) }
            let over = state.entries.updateValue(entry, forKey: name)
            return (entry, over)
        }
        if let loser { await stop(loser) }
        if winner.stream === stream {
            logger.info("HLS started", metadata: [LogKeys.stream: "\(name)"])
            // What it wished for before it was known here.
            if input.isReplaced { await settleReplacement(of: winner) }
        }
        return winner
    }

    private func stop(_ entry: Entry) async {
        await gateway.detach(entry.reading)
        entry.input.stop()
        await entry.renditions.stop()
        entry.stream.abandon()
    }

    // MARK: Running

    package func run() async throws {
        if configuration.start == .always {
            await gateway.observeStreams { [report] in report.yield(.news($0)) }
        }
        await cancelWhenGracefulShutdown { [self] in
            await withDiscardingTaskGroup { group in
                group.addTask { await self.fulfilWishes() }
                group.addTask { await self.sweepRegularly() }
            }
        }
        let entries = state.withLock { state in
            defer { state.entries = [:] }
            return Array(state.entries.values)
        }
        for entry in entries { await stop(entry) }
    }

    private func fulfilWishes() async {
        for await wish in wishes {
            switch wish {
            case .keyFrame(let name):
                guard let reading = state.withLock({ $0.entries[name]?.reading }) else { continue }
                await gateway.requestKeyFrame(for: reading)
            case .replacement(let name):
                if let entry = state.withLock({ $0.entries[name] }) { await settleReplacement(of: entry) }
            case .news(.published(let name)):
                let isRunning = state.withLock { state in state.entries[name].map { !$0.stream.isClosed } ?? false }
                state.withLock { $0.missing[name] = nil }
                if !isRunning { _ = await start(name) }
            case .news: break
            }
        }
    }

    private func settleReplacement(of entry: Entry) async {
        // Without another picture, that of the publisher is shown, from its next key frame on.
        if await !entry.renditions.settleReplacement() { await gateway.requestKeyFrame(for: entry.reading) }
    }

    private func sweepRegularly() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(250))
            await sweep()
        }
    }

    /// Turns away who has waited too long, and stops what nobody watches.
    package func sweep() async {
        let entries = state.withLock { $0.entries }
        let now = clock.now()
        state.withLock { state in state.missing = state.missing.filter { $0.value > now } }
        for (name, entry) in entries {
            entry.stream.expire()
            let isOver = (entry.stream.closedTime() ?? .zero) > Self.closedGrace
            let isUnwatched = entry.stream.idleTime() > Self.idleLimit
            let isIdle = configuration.start == .onDemand && isUnwatched
            guard isOver || isIdle else {
                if isUnwatched {
                    await entry.renditions.endLadder()
                } else if entry.stream.isAwaited {
                    // The size of the picture, which the ladder depends on, may have become known.
                    await entry.renditions.beginLadder()
                }
                continue
            }
            let isOurs = state.withLock { state in
                guard state.entries[name]?.stream === entry.stream else { return false }
                state.entries[name] = nil
                return true
            }
            guard isOurs else { continue }
            await stop(entry)
            logger.info("HLS stopped", metadata: [LogKeys.stream: "\(name)"])
        }
    }

    /// Streams that are read at the moment.
    package var streamCount: Int { state.withLock { $0.entries.count } }
}
