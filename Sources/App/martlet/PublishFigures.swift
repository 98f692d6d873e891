import Media
import MediaClient
import Primitives
import Synchronization

/// What a publisher sent, for people and for programs.
struct PublishFigures {
    private let url: String
    private let end: String
    private let name: String
    private let seconds: Double
    private let tracks: [OutgoingStatistics]

    init(url: String, end: String, destination: any PublishDestination) {
        self.url = url
        self.end = end
        name = destination.name
        seconds = ClientConnection.now.since(destination.startedAt).seconds
        tracks = destination.figures
    }

    private func rate(_ count: Int64) -> Double { seconds > 0 ? Double(count) / seconds : 0 }

    var summary: String {
        var lines = ["Published for \(seconds.decimals(1)) s."]
        for track in tracks {
            var parts = [
                "\(track.codec.kind.rawValue) \(track.codec.rtpName ?? track.codec.rawValue.uppercased())",
                "\((rate(track.bytes) * 8 / 1_000).decimals(0)) kbit/s", "\(track.frames) frames",
            ]
            if track.codec.kind == .video { parts.append("\(track.keyFrames) key frames") }
            if track.packets > 0 {
                parts.append("\(track.packets) packets, \(track.lost) lost, \(track.retransmissions) sent again")
            }
            if track.refused > 0 { parts.append("\(track.refused) frames could not be sent") }
            lines.append("  " + parts.joined(separator: "; "))
        }
        return lines.joined(separator: "\n")
    }

    var json: String {
        var object = JSONObject()
        object.add("url", url)
        object.add("protocol", name)
        object.add("end", end)
        object.add("seconds", seconds)
        for track in tracks { object.add(track.codec.kind.rawValue, figures(track)) }
        return object.text
    }

    private func figures(_ track: OutgoingStatistics) -> JSONObject {
        var object = JSONObject()
        object.add("codec", track.codec.rawValue)
        object.add("bitrate_bps", (rate(track.bytes) * 8).rounded())
        object.add("frames", track.frames)
        if track.codec.kind == .video { object.add("key_frames", track.keyFrames) }
        object.add("frames_refused", track.refused)
        guard name == "whip" else { return object }
        object.add("packets", track.packets)
        object.add("packets_lost", track.lost)
        object.add("retransmissions", track.retransmissions)
        if track.codec.kind == .video { object.add("key_frame_requests", track.keyFrameRequests) }
        object.add("jitter_ms", track.jitter.milliseconds)
        object.add("round_trip_ms", track.roundTrip?.milliseconds)
        return object
    }
}

/// The line that a publisher on a terminal shows each second.
final class PublishProgress: Sendable {
    private let destination: any PublishDestination
    private let last: Mutex<(at: Instant, figures: [OutgoingStatistics])>
    private let hasSpoken = Atomic(false)

    init(destination: any PublishDestination) {
        self.destination = destination
        last = Mutex((ClientConnection.now, destination.figures))
    }

    func tick() {
        guard Terminal.isLogInteractive else { return }
        let (now, figures) = (ClientConnection.now, destination.figures)
        let (then, earlier) = last.withLock { last in
            defer { last = (now, figures) }
            return last
        }
        let seconds = max(now.since(then).seconds, 0.001)
        var parts = ["\(now.since(destination.startedAt).seconds.decimals(0)) s"]
        for (index, track) in figures.enumerated() {
            let before = index < earlier.count ? earlier[index] : OutgoingStatistics(codec: track.codec)
            var part = "\(track.codec.kind.rawValue) "
            part += "\((Double(track.bytes - before.bytes) * 8 / seconds / 1_000).decimals(0)) kbit/s"
            if track.codec.kind == .video {
                part += ", \((Double(track.frames - before.frames) / seconds).decimals(0)) fps"
            }
            if track.packets > 0 { part += ", lost \(track.lost)" }
            parts.append(part)
        }
        if let roundTrip = figures.compactMap(\.roundTrip).first {
            parts.append("round trip \(roundTrip.milliseconds.decimals(1)) ms")
        }
        Terminal.progress(parts.joined(separator: "  "))
        hasSpoken.store(true, ordering: .relaxed)
    }

    func finish() {
        if hasSpoken.load(ordering: .relaxed) { Terminal.endProgress() }
    }
}
