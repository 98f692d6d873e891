import Auth
import Gateway
import GatewayConfiguration
import HLS
import HLSService
import HTTPService
import Logging
import Media
import MediaIO
import Primitives
import RTMPService
import Recording
import SRTP
import Telemetry
import Transcoding
import TransportSecurity

/// Hands each part of the gateway its settings in its own words.
enum Composition {
    /// The secret that signs tokens: the one that was set, or the generated one.
    static func tokenSecret(_ settings: Settings) throws(CommandFailure) -> Secret {
        if let secret = settings.auth.jwtSecret { return secret }
        do {
            return try SecretStore(directory: settings.dataDirectory).tokenSecret()
        } catch {
            throw CommandFailure("data.directory: \(error)")
        }
    }

    static func nodeID(_ settings: Settings) throws(CommandFailure) -> String {
        if let id = settings.nodeID { return id }
        do {
            return try SecretStore(directory: settings.dataDirectory).nodeID()
        } catch {
            throw CommandFailure("data.directory: \(error)")
        }
    }

    static func accessPolicy(_ settings: Settings.Auth) -> AccessPolicy {
        AccessPolicy(
            publish: anonymous(settings.anonymousPublish), play: anonymous(settings.anonymousPlay),
            rooms: anonymous(settings.anonymousRooms), admin: anonymous(settings.anonymousAdmin),
            keys: settings.keys.compactMap { key in
                StreamPattern(key.pattern).map { AccessPolicy.StreamKey(pattern: $0, sha256: key.sha256) }
            })
    }

    private static func anonymous(_ access: Settings.AnonymousAccess) -> AccessPolicy.Anonymous {
        switch access {
        case .nobody: .nobody
        case .loopback: .loopback
        case .anyone: .anyone
        }
    }

    static func gatewayPolicy(_ settings: Settings) -> GatewayPolicy {
        let takeover: TakeoverPolicy =
            switch settings.publish.takeover {
            case .automatic: .auto
            case .replace: .replace
            case .reject: .reject
            }
        let reordering: ReorderingPolicy =
            switch settings.rtmp.bFrames {
            case .automatic: .auto
            case .drop: .drop
            case .transcode: .transcode
            case .hlsOnly: .keep
            }
        let common = settings.webrtc.playoutDelay?.bounds
        let single = settings.webrtc.playoutDelays.compactMap { entry in
            StreamPattern(entry.pattern).map { (pattern: $0, range: entry.range?.bounds) }
        }
        return GatewayPolicy(
            takeover: takeover, reordering: reordering, transcoding: transcodingPolicy(settings.transcode),
            grace: settings.publish.grace
        ) { stream in
            guard let match = single.first(where: { $0.pattern.matches(stream.description) }) else { return common }
            return match.range
        }
    }

    private static func transcodingPolicy(_ settings: Settings.Transcode) -> TranscodingPolicy {
        TranscodingPolicy(
            maximum: settings.maximumStreams,
            ladder: settings.ladder.map { VideoRendition(codec: .h264, height: $0.height, bitrate: $0.bitrate) },
            encoder: settings.encoder.rawValue)
    }

    /// - Throws: ``CommandFailure`` when a host name to announce has no address, or the library that is to encrypt is
    ///   not there.
    static func media(_ settings: Settings.WebRTC) throws(CommandFailure) -> MediaPlaneConfiguration {
        let announce: [TransportAddress]
        do throws(UnknownHost) {
            announce = try HostNames.resolve(settings.announce)
        } catch {
            throw CommandFailure(
                "webrtc.announce: `\(error.name)` has no address; check the name, or write the address")
        }
        return MediaPlaneConfiguration(
            host: settings.host, port: settings.port, workers: settings.workers ?? HostNames.processorCount,
            srtpBackend: try srtpBackend(settings.srtpBackend), announce: announce, acceptsTCP: settings.tcp)
    }

    private static func srtpBackend(_ choice: Settings.SRTPChoice) throws(CommandFailure) -> SRTPBackend {
        let backend: SRTPBackend =
            switch choice {
            case .automatic: .fastest()
            case .openssl: .openssl
            case .multiBuffer: .multiBuffer
            case .libsrtp2: .libsrtp2
            }
        if let problem = backend.problem {
            throw CommandFailure("webrtc.srtp_backend: \(problem); install it, or use `auto`")
        }
        return backend
    }

    static func http(
        _ settings: Settings, nodeName: String, secret: Secret, tls: TLSIdentity?
    ) -> HTTPServiceConfiguration {
        var configuration = HTTPServiceConfiguration(
            host: settings.http.host, port: settings.http.port, corsOrigins: Set(settings.http.corsOrigins),
            frameAncestors: settings.http.frameAncestors.joined(separator: " "),
            iceServers: settings.webrtc.iceServers.map(iceServer),
            limits: .init(
                requestsPerMinute: settings.limits.requestsPerMinute, requestsBurst: settings.limits.requestsBurst,
                postsPerMinute: settings.limits.postsPerMinute, postsBurst: settings.limits.postsBurst,
                sessionsPerMinute: settings.limits.tokenPostsPerMinute, sessionsBurst: settings.limits.tokenPostsBurst,
                includeLoopback: settings.limits.loopback),
            nodeName: nodeName, playback: PlaybackSignature(secret: secret),
            isPlayPublic: settings.auth.anonymousPlay == .anyone && !asksAboutPlay(settings.webhooks))
        configuration.trustedProxies = TrustedProxies(
            settings.http.trustedProxies.compactMap { AddressNetwork($0) })
        configuration.tls = tls
        configuration.hstsMaxAge = settings.http.tls.hstsMaxAge
        return configuration
    }

    static func hls(_ settings: Settings.HLS) -> HLSServiceConfiguration {
        HLSServiceConfiguration(
            start: settings.start == .always ? .always : .onDemand,
            presentation: PresentationConfiguration(
                partDuration: Interval(settings.partDuration), segmentDuration: Interval(settings.segmentDuration),
                window: Interval(settings.window)))
    }

    static func recording(_ settings: Settings) -> RecordingConfiguration {
        let recording = settings.recording
        return RecordingConfiguration(
            directory: "\(settings.dataDirectory)/recordings", segmentDuration: recording.segmentDuration,
            segmentBytes: Int(recording.segmentSize), synchronization: recording.sync,
            retention: RecordingRetention(age: recording.retention.age, bytes: recording.retention.bytes))
    }

    static func guessLimit(_ settings: Settings.Limits) -> GuessLimit {
        GuessLimit(perMinute: settings.failuresPerMinute, includesLoopback: settings.loopback)
    }

    private static func iceServer(_ server: ICEServer) -> ICEServerLink {
        let access: ICEServerLink.Access =
            switch server.access {
            case .open: .open
            case .sharedSecret(let secret): .sharedSecret(secret)
            case .fixed(let username, let credential): .fixed(username: username, credential: credential)
            }
        return ICEServerLink(url: server.url, access: access)
    }

    /// Of one of the two listeners: plain RTMP, or with a certificate RTMPS.
    static func rtmp(_ settings: Settings, port: UInt16, tls: TLSIdentity? = nil) -> RTMPServiceConfiguration {
        var configuration = RTMPServiceConfiguration()
        configuration.host = settings.rtmp.host
        configuration.port = port
        configuration.tls = tls
        configuration.connectionsPerMinute = settings.limits.rtmpPerMinute
        configuration.connectionsBurst = settings.limits.rtmpBurst
        configuration.limitsLoopback = settings.limits.loopback
        return configuration
    }

    static func startLogging(_ settings: Settings.Log, nodeName: String) {
        let level = Logger.Level(rawValue: settings.level.rawValue) ?? .info
        let isText = settings.format == .text || (settings.format == .automatic && Terminal.isLogInteractive)
        LoggingSystem.bootstrap { label in
            isText
                ? TextLogHandler(label: label, level: level) as any LogHandler
                : JSONLogHandler(label: label, level: level, nodeName: nodeName)
        }
    }
}
