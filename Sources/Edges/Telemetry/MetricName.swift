/// Every metric of the gateway: dashboards rely on these names.
///
/// Labels are bounded by construction: kinds, directions, phases and reasons are words of the program, never names
/// of streams or users.
package struct MetricName: Sendable, Hashable {
    package let name: String
    package let help: String
    package let kind: MetricFamily.Kind

    private init(_ name: String, _ kind: MetricFamily.Kind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }

    package static let sessions = MetricName("martlet_sessions", .gauge, "Sessions by kind.")
    package static let streams = MetricName("martlet_streams", .gauge, "Streams with a publisher.")
    package static let packetsReceived = MetricName(
        "martlet_packets_received_total",
        .counter,
        "RTP packets received from publishers."
    )
    package static let packetsSent = MetricName("martlet_packets_sent_total", .counter, "RTP packets sent to viewers.")
    package static let bytesReceived = MetricName(
        "martlet_bytes_received_total",
        .counter,
        "Media bytes received from publishers."
    )
    package static let bytesSent = MetricName("martlet_bytes_sent_total", .counter, "Media bytes sent to viewers.")
    package static let packetsLost = MetricName(
        "martlet_packets_lost_total",
        .counter,
        "RTP packets lost, by direction."
    )
    package static let nacks = MetricName("martlet_nacks_total", .counter, "Negative acknowledgements, by direction.")
    package static let retransmissions = MetricName(
        "martlet_retransmissions_total",
        .counter,
        "Packets sent again on request."
    )
    package static let keyFrameRequests = MetricName(
        "martlet_keyframe_requests_total",
        .counter,
        "Requests for key frames, by direction."
    )
    package static let forwardDelay = MetricName(
        "martlet_forward_delay_seconds",
        .histogram,
        "Time from datagram in to datagram out."
    )
    package static let join = MetricName("martlet_join_seconds", .histogram, "Time of each phase of joining.")
    package static let hlsRequests = MetricName(
        "martlet_hls_requests_total",
        .counter,
        "Requests for playlists and media of HLS, by kind."
    )
    package static let refusals = MetricName(
        "martlet_refusals_total",
        .counter,
        "Requests refused and sessions that failed, by reason."
    )
    package static let discardedDatagrams = MetricName(
        "martlet_datagrams_discarded_total",
        .counter,
        "Datagrams ignored (of no session), refused (forged, replayed or malformed) or dropped (a full socket)."
    )
    package static let framePacketsDropped = MetricName(
        "martlet_frame_packets_dropped_total",
        .counter,
        "Packets that readers of frames (HLS, recording, transcoding) have missed because making frames did not keep up."
    )
    package static let transcodes = MetricName("martlet_transcodes", .gauge, "Pictures being encoded anew.")
    package static let transcodeFramesDropped = MetricName(
        "martlet_transcode_frames_dropped_total",
        .counter,
        "Frames that were not encoded anew because the transcoder did not keep up."
    )
    package static let ingestWarnings = MetricName(
        "martlet_ingest_warnings",
        .gauge,
        "Streams with something wrong about their publishers' media, by code."
    )
    package static let recordings = MetricName("martlet_recordings", .gauge, "Streams being recorded, by state.")
    package static let recordedBytes = MetricName("martlet_recorded_bytes_total", .counter, "Bytes recorded.")
    package static let recordingPauses = MetricName(
        "martlet_recording_pauses_total",
        .counter,
        "Times that a recording had to pause, by reason."
    )
    package static let recordingFramesDropped = MetricName(
        "martlet_recording_frames_dropped_total",
        .counter,
        "Frames missing in recordings because the disk did not keep up."
    )
    package static let webhookDeliveries = MetricName(
        "martlet_webhook_deliveries_total",
        .counter,
        "Attempts to tell the application of events, by outcome."
    )
    package static let webhookQueue = MetricName(
        "martlet_webhook_queue", .gauge, "Events that wait for the application.")
    package static let webhookDecisions = MetricName(
        "martlet_webhook_decisions_total",
        .counter,
        "Questions to the application who may publish or play, by verdict."
    )
    package static let certificateExpiry = MetricName(
        "martlet_certificate_expiry_timestamp_seconds", .gauge,
        "When the certificate of HTTPS and RTMPS ends, in seconds since 1970.")
    package static let rooms = MetricName("martlet_rooms", .gauge, "Rooms with somebody or a stream in them.")
    package static let roomParticipants = MetricName(
        "martlet_room_participants", .gauge, "Clients in rooms, those included whose connection was lost just now.")
    package static let signalingConnections = MetricName(
        "martlet_signaling_connections", .gauge, "Open connections of signaling.")
    package static let redisUp = MetricName(
        "martlet_redis_up", .gauge, "1 while the Redis that gateways share answers, otherwise 0.")
    package static let redisCommands = MetricName(
        "martlet_redis_commands_total", .counter, "Commands to Redis, by outcome.")
    package static let nodes = MetricName("martlet_nodes", .gauge, "Gateways that are known to be alive.")
    package static let buildInfo = MetricName("martlet_build_info", .gauge, "Always 1; the version is the label.")

    package static let srtpBackend = MetricName(
        "martlet_srtp_backend", .gauge, "Always 1; the library that encrypts is the label.")

    package static let all: [MetricName] = [
        sessions, streams, packetsReceived, packetsSent, bytesReceived, bytesSent, packetsLost, nacks, retransmissions,
        keyFrameRequests, forwardDelay, join, hlsRequests, refusals, discardedDatagrams, framePacketsDropped,
        transcodes, transcodeFramesDropped, recordings, recordedBytes, recordingPauses, recordingFramesDropped,
        ingestWarnings, rooms, roomParticipants, signalingConnections, webhookDeliveries, webhookQueue,
        webhookDecisions, certificateExpiry, redisUp, redisCommands, nodes, buildInfo, srtpBackend,
    ]

    static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}
