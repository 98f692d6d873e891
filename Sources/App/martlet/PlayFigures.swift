import Foundation
import Media
import MediaClient
import Primitives
import Synchronization

/// What a viewer received, for people and for programs.
struct PlayFigures {
    private let url: String
    private let output: String?
    private let end: String
    private let beganAt: Instant
    private let statistics: ClientStatistics
    /// Seconds from the first packet to the end.
    private let seconds: Double

    init(url: String, output: String?, end: String, beganAt: Instant, statistics: ClientStatistics) {
        self.url = url
        self.output = output
        self.end = end
        self.beganAt = beganAt
        self.statistics = statistics
        let first = statistics.incoming.compactMap(\.firstPacketAt).min()
        seconds = first.map { ClientConnection.now.since($0).seconds } ?? 0
    }

    var hasReceived: Bool { statistics.incoming.contains { $0.frames > 0 } }

    private func track(_ kind: MediaKind) -> IncomingStatistics? {
        statistics.incoming.first { $0.codec.kind == kind }
    }

    private func milliseconds(_ time: Instant?) -> Double? { time.map { $0.since(beganAt).milliseconds } }

    private func rate(_ count: Int64) -> Double { seconds > 0 ? Double(count) / seconds : 0 }

    // MARK: - For people

    var summary: String {
        var lines = ["Received \(seconds.decimals(1)) s."]
        if let first = milliseconds(track(.video)?.firstFrameAt ?? track(.audio)?.firstFrameAt) {
            let what = track(.video)?.firstFrameAt == nil ? "sound" : "picture"
            lines[0] += " The first \(what) was complete \(Int(first)) ms after the request."
        }
        for track in statistics.incoming { lines.append(line(track)) }
        if let output { lines.append("Written to \(output).") }
        return lines.joined(separator: "\n")
    }

    private func line(_ track: IncomingStatistics) -> String {
        let name = track.codec.rtpName ?? track.codec.rawValue
        var parts = ["\(track.codec.kind.rawValue) \(name)", "\((rate(track.bytes) * 8 / 1_000).decimals(0)) kbit/s"]
        if track.codec.kind == .video {
            parts.append(
                "\(track.frames) frames, \(rate(track.frames).decimals(1)) a second, \(track.keyFrames) key frames")
            if track.undecodable > 0 { parts.append("\(track.undecodable) could not be decoded") }
        }
        parts.append(
            "\(track.packets) packets, \(track.lost) lost"
                + (track.lost > 0 ? " (\(track.repaired) repaired, \(track.unrecovered) never came)" : ""))
        parts.append("jitter \(track.jitter.milliseconds.decimals(1)) ms")
        return "  " + parts.joined(separator: "; ")
    }

    // MARK: - For programs

    var json: String {
        var object = JSONObject()
        object.add("url", url)
        if let output { object.add("output", output) }
        object.add("end", end)
        object.add("seconds", seconds)
        object.add("connected_ms", milliseconds(statistics.securedAt))
        object.add("first_frame_ms", milliseconds(track(.video)?.firstFrameAt ?? track(.audio)?.firstFrameAt))
        for track in statistics.incoming { object.add(track.codec.kind.rawValue, figures(track)) }
        return object.text
    }

    private func figures(_ track: IncomingStatistics) -> JSONObject {
        var object = JSONObject()
        object.add("codec", track.codec.rawValue)
        object.add("bitrate_bps", (rate(track.bytes) * 8).rounded())
        object.add("frames", track.frames)
        if track.codec.kind == .video {
            object.add("fps", rate(track.frames))
            object.add("key_frames", track.keyFrames)
            object.add("undecodable_frames", track.undecodable)
            object.add("key_frame_requests", track.keyFrameRequests)
        }
        object.add("first_frame_ms", milliseconds(track.firstFrameAt))
        object.add("packets", track.packets)
        object.add("packets_lost", track.lost)
        object.add("packets_repaired", track.repaired)
        object.add("packets_unrecovered", track.unrecovered)
        object.add("packets_requested", track.requested)
        object.add("jitter_ms", track.jitter.milliseconds)
        return object
    }
}

/// The line that a viewer on a terminal shows each second.
final class PlayProgress: Sendable {
    private let connection: ClientConnection
    private let beganAt: Instant
    private let last: Mutex<(at: Instant, statistics: ClientStatistics)>
    private let hasSpoken = Atomic(false)

    init(connection: ClientConnection, beganAt: Instant) {
        self.connection = connection
        self.beganAt = beganAt
        last = Mutex((ClientConnection.now, connection.statistics))
    }

    func tick() {
        guard Terminal.isLogInteractive else { return }
        let (now, statistics) = (ClientConnection.now, connection.statistics)
        let (then, earlier) = last.withLock { last in
            defer { last = (now, statistics) }
            return last
        }
        let seconds = max(now.since(then).seconds, 0.001)
        var parts = ["\(now.since(beganAt).seconds.decimals(0)) s"]
        for (index, track) in statistics.incoming.enumerated() {
            let before =
                index < earlier.incoming.count ? earlier.incoming[index] : IncomingStatistics(codec: track.codec)
            let rate = Double(track.bytes - before.bytes) * 8 / seconds / 1_000
            var part = "\(track.codec.kind.rawValue) \(rate.decimals(0)) kbit/s"
            if track.codec.kind == .video {
                part += ", \((Double(track.frames - before.frames) / seconds).decimals(0)) fps"
            }
            part += ", lost \(track.lost), jitter \(track.jitter.milliseconds.decimals(1)) ms"
            parts.append(part)
        }
        if let first = statistics.incoming.first(where: { $0.codec.kind == .video })?.firstFrameAt {
            parts.append("first picture after \(first.since(beganAt).milliseconds.decimals(0)) ms")
        } else {
            parts.append("no picture yet")
        }
        Terminal.progress(parts.joined(separator: "  "))
        hasSpoken.store(true, ordering: .relaxed)
    }

    func finish() {
        if hasSpoken.load(ordering: .relaxed) { Terminal.endProgress() }
    }
}
