import DTLS
import Media
import Primitives
import Telemetry
import Testing

@testable import Gateway
@testable import MediaIO

@Suite("What publishers are told about their media")
struct IngestHealthTests {
    private func reported(
        _ id: TrackID, at second: Int = 0, keyFrameInterval: Double? = 2, hasPublisherClock: Bool = true,
        clockJumps: Int = 0
    ) -> MediaReport.Track {
        MediaReport.Track(
            id: id, isOwner: true, bitsPerSecond: 1, packetsReceived: 100 * second, packetsLost: 0, viewers: 0,
            pausedViewers: 0, keyFrameInterval: keyFrameInterval, keyFrameAge: 1, bufferedBytes: 0, silence: 0,
            hasPublisherClock: hasPublisherClock, clockJumps: clockJumps, bytesReceived: 50_000 * second,
            framesReceived: 30 * second)
    }

    /// The codes that a WHIP publisher of these figures is shown after so many seconds.
    private func codes(
        _ offer: String = Offers.publisher, seconds: Int = 60,
        figures: (LiveStream.Track, Int) -> MediaReport.Track
    ) async throws -> [String] {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        _ = try await harness.publish(offer)
        let warnings = try await harness.warnings(after: seconds, figures: figures)
        for warning in warnings {
            #expect(warning.message.hasSuffix("."), "plain words: \(warning.message)")
            #expect(warning.since?.hasSuffix("Z") == true, "\(warning.code)")
        }
        return warnings.map(\.code)
    }

    @Test func `nothing is said about a publisher without fault`() async throws {
        #expect(try await codes { reported($0.id, at: $1) } == [])
    }

    @Test func `key frames far apart are a fault where asking for one does not help`() async throws {
        #expect(try await codes(Offers.deafPublisher) { reported($0.id, at: $1, keyFrameInterval: 10) } == ["long-gop"])
        #expect(try await codes { reported($0.id, at: $1, keyFrameInterval: 10) } == [])
        #expect(try await codes(Offers.deafPublisher) { reported($0.id, at: $1, keyFrameInterval: 4) } == [])
    }

    @Test func `missing sender reports are named by track, after the time they may take`() async throws {
        let without = { (track: LiveStream.Track, second: Int) in
            reported(track.id, at: second, hasPublisherClock: track.description.kind == .video)
        }
        #expect(try await codes(figures: without) == ["no-sender-reports-audio"])
        #expect(try await codes(seconds: 10, figures: without) == [])
    }

    @Test func `jumping timestamps are named once, whichever tracks jump`() async throws {
        #expect(try await codes { reported($0.id, at: $1, clockJumps: $1 / 20) } == ["timestamps-jumped"])
    }

    @Test func `less than the offer names is told of, by section and for all of them`() async throws {
        let sections = Offers.publisher.replacing("a=mid:0", with: "b=AS:4000\r\na=mid:0")
        let session = Offers.publisher.replacing("t=0 0", with: "b=TIAS:4000000\r\nt=0 0")
        for offer in [sections, session] {
            #expect(try await codes(offer) { reported($0.id, at: $1) } == ["bitrate-low"])
        }
        #expect(try await codes(sections.replacing("AS:4000", with: "AS:410")) { reported($0.id, at: $1) } == [])
        #expect(
            try await codes(sections.replacing("AS:4000", with: "AS:200")) { reported($0.id, at: $1) }
                == ["bitrate-high"])
        // Of a section that receives as well it is what the client wants to be sent.
        let both = sections.replacing("a=sendonly", with: "a=sendrecv")
        #expect(try await codes(both) { reported($0.id, at: $1) } == [])
    }

    @Test func `what is found of a publisher of frames is its own`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        // A session that makes key frames when asked, whose tracks go on.
        _ = try await harness.publish()
        let ingest = try await harness.publishFrames(Encoded.baseline)
        let warnings = try await harness.warnings(after: 30) {
            if $1 == 25 { ingest.noteClockJump() }
            return reported($0.id, at: $1, keyFrameInterval: 10, clockJumps: $1)
        }
        #expect(warnings.map(\.code) == ["long-gop", "timestamps-jumped"])
        #expect(warnings.first?.message.contains("10 s apart") == true)
        let statistics = await harness.gateway.statistics()
        #expect(statistics.ingestWarnings == ["long-gop": 1, "timestamps-jumped": 1])
        #expect(try await harness.status().warnings == warnings)
    }

    @Test func `what the encoder sends is believed, not what the offer announced`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        _ = try await harness.publish()
        let video = try #require(await harness.gateway.streams[GatewayHarness.stream()]?.tracks.first)
        #expect(video.description.formatParameters["profile-level-id"] == "42e01f")
        guard case .h264(let sps, _) = Encoded.reordering else { return }
        await harness.gateway.handle(.parameterSetChanged(video.id, try #require(sps.first)))
        let track = try #require(await harness.gateway.streams[GatewayHarness.stream()]?.tracks.first)
        #expect(track.description.formatParameters["profile-level-id"] == "64001e")
        let status = try await harness.status()
        #expect((status.tracks.first?.width, status.tracks.first?.height) == (642, 362))
        #expect(status.warnings.map(\.code) == ["profile-differs", "b-frames-announced"])
    }

    @Test func `another level, and a parameter set that cannot be read, are no fault`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        _ = try await harness.publish()
        let video = try #require(await harness.gateway.streams[GatewayHarness.stream()]?.tracks.first)
        for configuration in [Encoded.baseline, .h264(sps: [[0x67]], pps: [])] {
            guard case .h264(let sps, _) = configuration else { return }
            await harness.gateway.handle(.parameterSetChanged(video.id, try #require(sps.first)))
        }
        #expect(try await harness.status().warnings.isEmpty)
    }
}

@Suite("Metrics of the gateway")
struct GatewayMetricsTests {
    @Test func `every name that dashboards rely on is there`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let registry = MetricsRegistry()
        registry.addCollector { ProcessMetrics.collect() + (await harness.gateway.statistics()).metricFamilies }
        registry.countRefusal("not-found")
        let text = await registry.scrape()
        for line in [
            "martlet_sessions{kind=\"publisher\"}", "martlet_sessions{kind=\"viewer\"}", "martlet_streams",
            "martlet_packets_received_total", "martlet_packets_sent_total", "martlet_bytes_received_total",
            "martlet_bytes_sent_total", "martlet_packets_lost_total{direction=\"in\"}",
            "martlet_packets_lost_total{direction=\"out\"}", "martlet_nacks_total{direction=\"in\"}",
            "martlet_retransmissions_total", "martlet_keyframe_requests_total{direction=\"out\"}",
            "martlet_forward_delay_seconds_bucket{le=\"+Inf\"}", "martlet_join_seconds_count{phase=\"sdp\"}",
            "martlet_join_seconds_count{phase=\"ice\"}", "martlet_join_seconds_count{phase=\"dtls\"}",
            "martlet_join_seconds_count{phase=\"first_packet\"}", "martlet_refusals_total{reason=\"not-found\"}",
            "martlet_datagrams_discarded_total{reason=\"ignored\"}",
            "martlet_datagrams_discarded_total{reason=\"refused\"}",
            "martlet_datagrams_discarded_total{reason=\"dropped\"}", "martlet_build_info{version=",
            "process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes",
            "process_open_fds", "process_max_fds", "process_start_time_seconds",
        ] {
            #expect(text.contains("\n\(line)"), "\(line) is missing")
        }
    }

    @Test func `sessions that failed are counted by what was wrong`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let ends: [(PeerEnd, String)] = [
            (.noChecks, "no-stun"), (.noPair, "no-pair"), (.consentExpired, "consent-lost"),
            (.handshakeTimeout, "dtls-timeout"),
            (.handshakeFailed(.fingerprintMismatch), "fingerprint-mismatch"),
            (.handshakeFailed(.noCommonSRTPProfile), "dtls-failed"), (.closed, "none"),
        ]
        for (end, _) in ends {
            _ = try await harness.publish()
            let session = try #require(await harness.gateway.sessions.values.first)
            await harness.gateway.handle(.ended(session.peer, end))
        }
        let text = PrometheusText.render(await harness.gateway.statistics().metricFamilies)
        for (_, reason) in ends.dropLast() {
            #expect(text.contains("martlet_refusals_total{reason=\"\(reason)\"} 1\n"))
        }
        #expect(!text.contains("reason=\"none\""))
    }
}
