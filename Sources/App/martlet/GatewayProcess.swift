import Auth
import Gateway
import GatewayConfiguration
import Glibc
import HLSService
import HTTPService
import Logging
import MediaIO
import Metrics
import NodeService
import Nodes
import Primitives
import RTMPService
import Recording
import RoomService
import SRTP
import ServiceLifecycle
import Telemetry
import Transcoding
import TransportSecurity
import Webhooks

/// Puts the gateway together, runs it, and takes it apart again.
struct GatewayProcess {
    let loaded: SettingsLoader.Loaded
    var publishesDemo = false

    /// Runs until a signal.
    ///
    /// - Throws: ``CommandFailure`` when something the gateway needs is not there.
    func run() async throws {
        let settings = loaded.settings
        let nodeName = try Composition.nodeID(settings)
        Composition.startLogging(settings.log, nodeName: nodeName)
        let logger = Logger(label: "martlet")
        for warning in loaded.warnings {
            logger.warning("Setting ignored", metadata: [LogKeys.warning: "\(warning)"])
        }
        warnOfEncoder(settings.transcode.encoder, logger)
        signal(SIGPIPE, SIG_IGN)
        raiseDescriptorLimit()

        let metrics = MetricsRegistry()
        MetricsSystem.bootstrap(metrics)
        let issuer = settings.auth.jwks.map { IssuerKeys.source($0) }
        if let issuer, await issuer.refresh() == false {
            logger.warning("The keys of auth.jwt.jwks cannot be read; tokens of that issuer are refused until they can")
        }
        let secret = try Composition.tokenSecret(settings)
        let tokens = await TokenAuthority(secret: secret, issuer: issuer)
        let webhooks = try Composition.webhooks(settings.webhooks, nodeName: nodeName)
        let revocations = RevocationList(path: "\(settings.dataDirectory)/revocations.json")
        let authorizer = Authorizer(
            policy: Composition.accessPolicy(settings.auth), tokens: tokens, revocations: revocations,
            decider: webhooks?.decisions)

        let guesses = Composition.guessLimit(settings.limits)

        let (events, report) = AsyncStream.makeStream(of: MediaEvent.self)
        let plane = try startMedia(settings.webrtc) { report.yield($0) }
        defer { plane.stop() }
        warnOfLoopback(plane.candidates, logger)
        let redis = try Composition.redis(settings, nodeName: nodeName, addresses: plane.candidates)
        let gateway = Gateway(
            plane: plane, events: events, policy: Composition.gatewayPolicy(settings), directory: redis?.directory,
            logger: Logger(label: "gateway"))
        guard let nodeID = NodeID(nodeName) else {
            throw CommandFailure("node.id: use 1 to 64 bytes without control characters")
        }
        let nodes = NodeParts(
            directory: redis?.directory ?? MemoryNodeDirectory(id: nodeID, url: ""), gateway: gateway)
        let ledger = StreamLedger(node: nodeName)
        let recording = RecordingThread(
            Composition.recording(settings), logger: Logger(label: "recording"),
            onNews: { webhooks?.sender.send(ledger.event(for: $0, at: .now)) })
        recording.start()
        defer { recording.stop() }
        let patterns = settings.recording.streams.compactMap { StreamPattern($0) }
        let recorder = Recorder(gateway: gateway, thread: recording) { name in
            patterns.contains { $0.matches(name.description) }
        }
        metrics.addCollector { recording.figures.metricFamilies }
        let srtpBackend = plane.srtpBackend.rawValue
        metrics.addCollector {
            [MetricFamily(.srtpBackend, [.init(.integer(1), labels: [.init("backend", srtpBackend)])])]
        }
        metrics.addCollector { ProcessMetrics.collect() + (await gateway.statistics()).metricFamilies }

        let holders = AddressLimiter(
            perMinute: settings.limits.tokenPostsPerMinute, burst: settings.limits.tokenPostsBurst)
        let publishers = GatewayPublishBackend(gateway: gateway, authorizer: authorizer, guesses: guesses) {
            [limitsLoopback = settings.limits.loopback] holder, peer in
            guard limitsLoopback || peer?.isLoopback != true else { return nil }
            return holders.take(holder: holder, at: MonotonicClock.now())
        }
        let rtmp = RTMPService(
            configuration: Composition.rtmp(settings, port: settings.rtmp.port),
            backend: publishers,
            logger: Logger(label: "rtmp"), onRefusal: { metrics.countRefusal($0) })
        let rtmpPort = try await bind(rtmp, key: "rtmp.port")
        let tls = try Composition.tls(settings, addresses: plane.candidates)
        if let tls {
            metrics.addCollector {
                [MetricFamily(.certificateExpiry, [.init(.integer(UInt64(clamping: tls.facts.endsAt)))])]
            }
        }
        let rtmps = try Composition.rtmps(settings, tls).map { configuration in
            RTMPService(
                configuration: configuration,
                backend: publishers,
                logger: Logger(label: "rtmps"), onRefusal: { metrics.countRefusal($0) })
        }
        var rtmpsPort: UInt16?
        if let rtmps { rtmpsPort = try await bind(rtmps, key: "rtmps.port") }
        let readiness = Readiness()
        readiness.require("the RTMP listener") { rtmp.isListening }
        if let rtmps { readiness.require("the RTMPS listener") { rtmps.isListening } }
        let greeting = Greeting(
            settings: settings, addresses: plane.candidates, rtmpPort: rtmpPort, rtmpsPort: rtmpsPort, tokens: tokens,
            publishesDemo: publishesDemo, scheme: tls == nil ? "http" : "https")
        let hls =
            settings.hls.enabled
            ? HLSService(
                configuration: Composition.hls(settings.hls), gateway: gateway, logger: Logger(label: "hls")) : nil
        let rooms = MemoryRoomStore()
        let roomMedia = RoomMediaDesk(gateway: gateway, store: rooms)
        metrics.addCollector {
            let counts = await rooms.counts()
            return [
                MetricFamily(.rooms, [.init(.integer(UInt64(clamping: counts.rooms)))]),
                MetricFamily(.roomParticipants, [.init(.integer(UInt64(clamping: counts.participants)))]),
            ]
        }
        var httpConfiguration = Composition.http(settings, nodeName: nodeName, secret: secret, tls: tls)
        httpConfiguration.nodeTokens = nodes.tokens
        let http = HTTPService(
            configuration: httpConfiguration, gateway: gateway,
            authorizer: authorizer, guesses: guesses, metrics: metrics, readiness: readiness, hls: hls,
            recordings: recorder,
            webhooks: webhooks?.sender,
            rooms: rooms,
            roomMedia: roomMedia,
            nodes: redis?.directory,
            logger: Logger(label: "http")
        ) { port in
            readiness.change(to: .ready)
            logger.info(
                "Gateway started",
                metadata: [
                    "http.port": .stringConvertible(port), "rtmp.port": .stringConvertible(rtmpPort),
                    "webrtc.port": .stringConvertible(plane.port), "workers": .stringConvertible(plane.workerCount),
                    "webrtc.srtp_backend": "\(srtpBackend)",
                ])
            await greeting.print(httpPort: port)
        }

        // Shut down from the last to the first: while sessions drain, HTTP still answers probes and refusals.
        var services: [any Service] = [
            GatewayRunner(gateway: gateway), PullerRunner(parts: nodes, gateway: gateway),
            RecorderRunner(recorder: recorder), RoomsRunner(rooms: rooms),
            StreamAnnouncer(gateway: gateway, store: rooms), roomMedia, http, rtmp,
        ]
        if let rtmps { services.append(rtmps) }
        if let webhooks {
            metrics.addCollector { await webhooks.metricFamilies() }
            services.insert(WebhookRunner(parts: webhooks, gateway: gateway), at: 0)
        }
        if let redis {
            readiness.mention(redis: { redis.directory.state == .working })
            metrics.addCollector { await redis.metricFamilies() }
            let runner = RedisRunner(
                parts: redis, gateway: gateway, revocations: revocations, readiness: readiness,
                logger: Logger(label: "redis"))
            services.insert(runner, at: 0)
        }
        if let hls { services.append(hls) }
        if publishesDemo { services.append(DemoPublisher(gateway: gateway, logger: Logger(label: "demo"))) }
        if let announcement = Announcement(hosts: settings.webrtc.announce, plane: plane, logger: logger) {
            services.append(announcement)
        }
        if let tls { services.append(CertificateReload(identity: tls, logger: logger)) }
        services.append(
            Drain(gateway: gateway, readiness: readiness, grace: settings.shutdownGrace, logger: logger))
        do {
            try await Signals.run(ServiceGroup(configuration: .init(services: services, logger: quiet(logger))))
        } catch let error as ListenError {
            throw CommandFailure(PortTrouble(error).description)
        }
        logger.info("Gateway stopped")
    }

    /// Tries an encoder that was asked for by name: without it nothing is encoded anew.
    private func warnOfEncoder(_ choice: Settings.EncoderChoice, _ logger: Logger) {
        guard choice != .automatic, let problem = VideoEncoderBackend.trial(choice.rawValue) else { return }
        logger.warning(
            "The encoder of transcode.encoder does not work; pictures are not encoded anew. See martlet doctor",
            metadata: [LogKeys.warning: "\(problem)"])
    }

    private func warnOfLoopback(_ candidates: [TransportAddress], _ logger: Logger) {
        guard candidates.allSatisfy(\.isLoopback) else { return }
        logger.warning(
            "Only this machine can publish or watch by WebRTC; set webrtc.announce to the address clients connect to",
            metadata: [LogKeys.candidates: "\(candidates.map(\.host).joined(separator: ", "))"])
    }

    private func startMedia(
        _ settings: Settings.WebRTC, events: @escaping @Sendable (MediaEvent) -> Void
    ) throws(CommandFailure) -> MediaPlane {
        let configuration = try Composition.media(settings)
        do {
            return try MediaPlane(configuration: configuration, events: events)
        } catch {
            throw CommandFailure(PortTrouble(error).description)
        }
    }

    private func bind(_ rtmp: RTMPService, key: String) async throws(CommandFailure) -> UInt16 {
        do {
            return try await rtmp.bind()
        } catch {
            throw CommandFailure(PortTrouble(error, key: key).description)
        }
    }

    /// We tell the life cycle of services ourselves, once.
    private func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        if logger.logLevel > .trace { logger.logLevel = max(logger.logLevel, .notice) }
        return logger
    }

    /// Many viewers hold a connection each while they join.
    private func raiseDescriptorLimit() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = min(limit.rlim_max, 65_536)
        setrlimit(resource, &limit)
    }
}
