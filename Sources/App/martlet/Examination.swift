import Auth
import Gateway
import GatewayConfiguration
import Glibc
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

/// Tries each thing the gateway needs by doing it.
struct Examination {
    let settings: Settings

    func findings() async -> [Finding] {
        let (media, candidates) = media()
        return [dataDirectory(), recordings(), http()] + certificate() + rtmp() + media
            + turn(reaching: candidates) + (await redis())
            + [videoEncoder(), audioTranscoder(), videoTranscoder(), descriptors()]
    }

    private func dataDirectory() -> Finding {
        // Looks without making anything: who examines need not be who runs the gateway.
        if let problem = SecretStore(directory: settings.dataDirectory).problem() {
            return Finding(
                "data directory", .failed, "\(problem)",
                cure: "set data.directory to a directory that the gateway's user can write")
        }
        return Finding("data directory", .ok, settings.dataDirectory)
    }

    /// What is recorded, and how much room there is for it.
    private func recordings() -> Finding {
        let directory = Composition.recording(settings).directory
        guard let space = FreeSpace(at: directory) else {
            return Finding("recordings", .warning, "the room for recordings in \(directory) cannot be read")
        }
        let streams = settings.recording.streams
        let what = streams.isEmpty ? "on request alone" : "of \(streams.joined(separator: ", "))"
        let detail = "\(what), in \(directory), where \(SizeText.rounded(space.bytes)) are free"
        if space.bytes < 1_000_000_000, !streams.isEmpty {
            return Finding(
                "recordings", .warning, detail,
                cure: "make room, or set recording.retention so that old recordings make room for new ones")
        }
        return Finding("recordings", .ok, detail)
    }

    private func http() -> Finding {
        let (host, port) = (settings.http.host, settings.http.port)
        if let code = TCPProbe.listen(host: host, port: port) {
            return Finding("http port", PortTrouble(ListenError(host: host, port: port, code: code)))
        }
        return Finding("http port", .ok, "TCP \(port) on \(host) is free")
    }

    /// A certificate that the gateway makes for itself needs no look.
    func certificate() -> [Finding] {
        let tls = settings.http.tls
        guard let certificate = tls.certificate ?? tls.key, let key = tls.key ?? tls.certificate else { return [] }
        do throws(TLSProblem) {
            let identity = try TLSIdentity(certificate: certificate, key: key)
            return [finding(certificate, identity.facts)]
        } catch {
            return [
                Finding("https certificate", .failed, "\(error.setting.rawValue): \(error.reason)", cure: error.cure)
            ]
        }
    }

    private func finding(_ path: String, _ facts: CertificateFacts) -> Finding {
        let check = "https certificate"
        if let warning = facts.warning(now: Int64(time(nil))) {
            return Finding(check, .warning, "\(path): \(warning)", cure: "renew it, and send SIGHUP to the gateway")
        }
        guard !facts.names.isEmpty else {
            return Finding(
                check, .warning, "\(path) names no host; browsers will refuse it",
                cure: "have one made with the gateway's host name as its subjectAltName")
        }
        let detail = "\(path), for \(facts.names.joined(separator: ", ")), until \(facts.endDate)"
        guard !facts.lacksIssuer else {
            return Finding(
                check, .ok, detail + ", without its issuer",
                cure: "unless clients know the issuer itself, write its certificate behind this one (fullchain.pem)")
        }
        return Finding(check, .ok, detail)
    }

    private func rtmp() -> [Finding] {
        let plain = rtmp("rtmp port", port: settings.rtmp.port, key: "rtmp.port")
        guard let port = settings.rtmpsPort else { return [plain] }
        guard settings.http.tls.isOn else {
            return [plain, Finding("rtmps port", .failed, Composition.missingCertificate.description)]
        }
        return [plain, rtmp("rtmps port", port: port, key: "rtmps.port")]
    }

    private func rtmp(_ check: String, port: UInt16, key: String) -> Finding {
        let host = settings.rtmp.host
        if let code = TCPProbe.listen(host: host, port: port) {
            let error: RTMPServiceError =
                code == EADDRINUSE
                ? .portInUse(host: host, port: port)
                : .cannotListen(host: host, port: port, reason: String(cString: strerror(code)))
            return Finding(check, PortTrouble(error, key: key))
        }
        return Finding(check, .ok, "TCP \(port) on \(host) is free")
    }

    /// Opens the real port with one worker: the addresses are those that clients would get.
    private func media() -> ([Finding], candidates: [TransportAddress]) {
        let configuration: MediaPlaneConfiguration
        do {
            configuration = try Composition.media(settings.webrtc)
        } catch {
            return ([Finding("advertised addresses", .failed, error.description)], [])
        }
        do {
            let plane = try MediaPlane(configuration: configuration) { _ in }
            defer { plane.stop() }
            let findings = [
                Finding(
                    "media port", .ok,
                    "UDP \(plane.port) on \(settings.webrtc.host) is free, and so is the TCP port"
                        + (plane.acceptsTCP ? "; let clients reach both" : " (not used by clients: webrtc.tcp is off)")),
                advertised(plane.candidates, acceptsTCP: plane.acceptsTCP),
                encryption(plane.srtpBackend),
            ]
            return (findings, plane.candidates)
        } catch {
            return ([Finding("media port", PortTrouble(error))], [])
        }
    }

    /// The candidates that a client will see.
    private func advertised(_ candidates: [TransportAddress], acceptsTCP: Bool) -> Finding {
        let list =
            candidates.map(\.description).joined(separator: ", ")
            + (acceptsTCP ? " by UDP and by TCP" : " by UDP alone")
        guard !candidates.isEmpty else {
            return Finding(
                "advertised addresses", .failed, "none", cure: "set webrtc.announce to the address clients connect to")
        }
        if candidates.allSatisfy(\.isLoopback) {
            return Finding(
                "advertised addresses", .warning,
                "\(list): this machine alone can watch",
                cure: "set webrtc.announce to the address clients connect to")
        }
        if settings.webrtc.announce.isEmpty, candidates.allSatisfy({ $0.isLoopback || $0.isPrivate }) {
            return Finding(
                "advertised addresses", .ok,
                "\(list) (a private network)",
                cure: "behind a NAT, for viewers outside, set webrtc.announce to the public address")
        }
        return Finding("advertised addresses", .ok, list)
    }

    /// The library that encrypts media, and why it is not the fastest one.
    private func encryption(_ backend: SRTPBackend) -> Finding {
        let text = "media is encrypted by \(backend.rawValue)"
        guard backend == .openssl, settings.webrtc.srtpBackend == .automatic else {
            return Finding("encryption", .ok, text)
        }
        let reason = SRTPBackend.multiBuffer.problem ?? "ipsec-mb is not faster here"
        return Finding("encryption", .ok, "\(text); \(reason)")
    }

    private func videoEncoder() -> Finding {
        let source = TestPatternSource(configuration: { _ in }, frame: { _ in })
        defer { source.stop() }
        do {
            try source.start()
            return Finding("H.264 and Opus encoders", .ok, "the demo can run")
        } catch {
            return Finding(
                "H.264 and Opus encoders", .failed, "\(error)", cure: "install libavcodec with libx264, and libopus")
        }
    }

    private func audioTranscoder() -> Finding {
        // AAC-LC, 48 kHz, stereo.
        let transcoder = AACToOpusTranscoder(audioSpecificConfig: [0x11, 0x90]) { _ in }
        defer { transcoder.stop() }
        do {
            try transcoder.start()
            return Finding("AAC to Opus", .ok, "the sound of RTMP publishers can be heard in browsers")
        } catch {
            return Finding(
                "AAC to Opus", .failed, "\(error)", cure: "install libavcodec, libswresample and libopus")
        }
    }

    /// Which pictures can be encoded anew.
    private func videoTranscoder() -> Finding {
        let decoders = [Codec.h264, .h265, .av1, .vp9, .vp8].filter { VideoDecoder.isAvailable(for: $0) }
        let h264 = VideoEncoderBackend.available(for: .h264, preferring: settings.transcode.encoder.rawValue)
        let vp8 = VideoEncoderBackend.available(for: .vp8)
        let list =
            "from \(decoders.compactMap(\.rtpName).joined(separator: ", ")) "
            + "to H264 (\(h264.first ?? "none")) and VP8 (\(vp8.first ?? "none"))"
        let choice = settings.transcode.encoder
        let problem = (choice == .automatic ? h264.first : choice.rawValue).flatMap { VideoEncoderBackend.trial($0) }
        guard h264.isEmpty || problem != nil else { return Finding("video transcoding", .ok, list) }
        return Finding(
            "video transcoding", .warning, problem.map { "\(list): \($0)" } ?? list,
            cure: choice == .nvenc || choice == .vaapi
                ? "install the graphics card's driver and let this user open its device (group render), or set transcode.encoder to auto"
                : "install a libavcodec that has the encoder of transcode.encoder, or set that key to auto")
    }

    private func descriptors() -> Finding {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return Finding("open files", .warning, "the limit cannot be read")
        }
        return limit.rlim_max < 4096
            ? Finding(
                "open files", .warning, "at most \(limit.rlim_max)",
                cure: "raise the limit (ulimit -Hn, or LimitNOFILE of the service) for many viewers")
            : Finding("open files", .ok, "at most \(limit.rlim_max)")
    }
}

extension TransportAddress {
    /// 10/8, 172.16/12, 192.168/16 (RFC 1918) or fc00::/7 (RFC 4193).
    var isPrivate: Bool {
        guard let ipv4 else { return high >> 57 == 0x7E }
        return ipv4 >> 24 == 10 || ipv4 >> 20 == 0xAC1 || ipv4 >> 16 == 0xC0A8
    }
}
