import Conformance
import Foundation
import HTTPTypes
import Synchronization

/// An origin of LL-HLS that does everything right, except for what a flaw makes it do wrong.
///
/// It has a clock of its own: a request that must wait moves it forward. Segments last two seconds and have four parts;
/// a discontinuity comes every sixteen segments.
final class ReferenceOrigin: ConformanceTransport {
    static let segment = 2.0
    static let part = 0.5
    static let partsPerSegment = 4
    /// Segments of the window.
    static let window: UInt64 = 12
    static let discontinuityEvery: UInt64 = 16
    /// The first segment that there ever was.
    static let first: UInt64 = 3
    static let epoch = 1_770_000_000.0

    struct State {
        /// Seconds since the first segment began.
        var now = 61.0
        var requests = 0
    }

    private let state = Mutex(State())
    private let flaw: PlaylistFlaw?

    init(flaw: PlaylistFlaw? = nil) {
        self.flaw = flaw
    }

    var now: Double { state.withLock { $0.now } }
    var requests: Int { state.withLock { $0.requests } }

    func wait(_ duration: Duration) {
        state.withLock { $0.now += duration / .seconds(1) }
    }

    func send(_ request: ProbeRequest) async throws(TransportFailure) -> ProbeResponse {
        state.withLock { state in
            // Each request takes a moment, or nothing would ever happen while one only asks.
            state.now += 0.002
            state.requests += 1
            var request = request
            flaw?.before(&request)
            var response = Self.answer(request, &state, flaw)
            response.fields[.accessControlAllowOrigin] = "*"
            flaw?.after(request, &response)
            return response
        }
    }

    // MARK: Doing it right

    private static func answer(_ request: ProbeRequest, _ state: inout State, _ flaw: PlaylistFlaw?) -> ProbeResponse {
        let name = request.name
        switch name {
        case "index.m3u8": return playlist(multivariant, request)
        case "video.m3u8", "small.m3u8", "audio.m3u8": return media(name, request, &state, flaw)
        case "init.mp4": return resource(ReferenceFragment.initialization)
        default: break
        }
        let numbers = name.split(separator: ".").compactMap { UInt64($0) }
        guard name.hasSuffix(".m4s"), let sequence = numbers.first, sequence >= first else {
            return ProbeResponse(status: 404)
        }
        if numbers.count == 1 {
            guard edge(state.now).sequence > sequence else { return ProbeResponse(status: 404) }
            return resource(ReferenceFragment.segment(sequence))
        }
        let part = Int(clamping: numbers[1])
        let edge = edge(state.now)
        let isThere = edge.sequence > sequence || (edge.sequence == sequence && edge.parts > part)
        if flaw?.isHasty == true, !isThere { return ProbeResponse(status: 404) }
        guard part < partsPerSegment, waits(for: sequence, part, &state) else { return ProbeResponse(status: 404) }
        return resource(ReferenceFragment.part(sequence, part))
    }

    private static func edge(_ now: Double) -> (sequence: UInt64, parts: Int) {
        let parts = Int(now / part)
        return (first + UInt64(parts / partsPerSegment), parts % partsPerSegment)
    }

    /// Moves the clock to when a part is there, if that is soon.
    private static func waits(for sequence: UInt64, _ number: Int, _ state: inout State) -> Bool {
        let at = Double(sequence - first) * segment + Double(number + 1) * part
        guard at - state.now < 3 * segment else { return false }
        state.now = max(state.now, at + 0.001)
        return true
    }

    static let multivariant = """
        #EXTM3U
        #EXT-X-VERSION:9
        #EXT-X-INDEPENDENT-SEGMENTS
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Sound",DEFAULT=YES,URI="audio.m3u8"
        #EXT-X-STREAM-INF:BANDWIDTH=100000,CODECS="avc1.42c01f,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=30,AUDIO="a"
        video.m3u8
        #EXT-X-STREAM-INF:BANDWIDTH=100000,CODECS="avc1.42c01f,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=30,AUDIO="a"
        small.m3u8

        """

    private static func playlist(_ text: String, _ request: ProbeRequest) -> ProbeResponse {
        var response = ProbeResponse(status: 200, body: Array(text.utf8))
        response.fields[.contentType] = "application/vnd.apple.mpegurl"
        response.fields[.cacheControl] = "max-age=1"
        // Nobody reads what comes in this form.
        if request.fields[.acceptEncoding] == "gzip" { response.fields[.contentEncoding] = "gzip" }
        return response
    }

    private static func resource(_ bytes: [UInt8]) -> ProbeResponse {
        ProbeResponse(
            status: 200, fields: [.contentType: "video/mp4", .cacheControl: "public, max-age=3600, immutable"],
            body: bytes)
    }

    private static func media(
        _ name: String, _ request: ProbeRequest, _ state: inout State, _ flaw: PlaylistFlaw?
    ) -> ProbeResponse {
        let items = URLComponents(url: request.url, resolvingAgainstBaseURL: true)?.queryItems ?? []
        func number(_ name: String) -> Int? { items.first { $0.name == name }?.value.flatMap { Int($0) } }
        if let wanted = number("_HLS_msn") {
            guard wanted >= 0, UInt64(wanted) <= edge(state.now).sequence + 2 else { return ProbeResponse(status: 400) }
            if flaw?.isImpatient != true {
                let part = number("_HLS_part") ?? partsPerSegment - 1
                guard waits(for: max(first, UInt64(wanted)), part, &state) else { return ProbeResponse(status: 503) }
            }
        } else if number("_HLS_part") != nil {
            return ProbeResponse(status: 400)
        }
        let skips = items.contains { $0.name == "_HLS_skip" }
        let now = flaw?.stopsAt.map { min($0, state.now) } ?? state.now
        let lines = ReferencePlaylist(name: name, edge: edge(now), skips: skips).lines
        return playlist((flaw?.lines(lines, state.now, skips) ?? lines).joined(separator: "\n") + "\n", request)
    }
}

/// The lines of a media playlist of ``ReferenceOrigin``.
struct ReferencePlaylist {
    var name: String
    var edge: (sequence: UInt64, parts: Int)
    var skips: Bool

    private static func isDiscontinuous(_ sequence: UInt64) -> Bool {
        sequence % ReferenceOrigin.discontinuityEvery == 0
    }

    private static func date(_ sequence: UInt64) -> String {
        let seconds = ReferenceOrigin.epoch + Double(sequence) * ReferenceOrigin.segment
        return Date(timeIntervalSince1970: seconds).formatted(
            .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted))
    }

    private static func part(_ sequence: UInt64, _ number: Int) -> String {
        "#EXT-X-PART:DURATION=0.500,URI=\"\(sequence).\(number).m4s\"" + (number == 0 ? ",INDEPENDENT=YES" : "")
    }

    var lines: [String] {
        let start = max(ReferenceOrigin.first, edge.sequence - min(edge.sequence, ReferenceOrigin.window))
        // Discontinuities that have left the window.
        let gone = (0..<start).count { $0 >= ReferenceOrigin.first && Self.isDiscontinuous($0) }
        var lines = [
            "#EXTM3U", "#EXT-X-VERSION:9", "#EXT-X-TARGETDURATION:2",
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500,HOLD-BACK=6.000,CAN-SKIP-UNTIL=12.000",
            "#EXT-X-PART-INF:PART-TARGET=0.500", "#EXT-X-MEDIA-SEQUENCE:\(start)",
            "#EXT-X-DISCONTINUITY-SEQUENCE:\(gone)",
        ]
        let skipped = skips ? Int(ReferenceOrigin.window) - 7 : 0
        lines.append(skipped > 0 ? "#EXT-X-SKIP:SKIPPED-SEGMENTS=\(skipped)" : "#EXT-X-MAP:URI=\"init.mp4\"")
        for sequence in (start..<edge.sequence).dropFirst(skipped) {
            if Self.isDiscontinuous(sequence) { lines.append("#EXT-X-DISCONTINUITY") }
            lines.append("#EXT-X-PROGRAM-DATE-TIME:\(Self.date(sequence))")
            if sequence + 3 >= edge.sequence {
                lines += (0..<ReferenceOrigin.partsPerSegment).map { Self.part(sequence, $0) }
            }
            lines += ["#EXTINF:2.000,", "\(sequence).m4s"]
        }
        if edge.parts > 0, Self.isDiscontinuous(edge.sequence) { lines.append("#EXT-X-DISCONTINUITY") }
        lines += (0..<edge.parts).map { Self.part(edge.sequence, $0) }
        lines.append("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"\(edge.sequence).\(edge.parts).m4s\"")
        let isOpen = edge.parts > 0
        let last = isOpen ? (edge.sequence, edge.parts - 1) : (edge.sequence - 1, ReferenceOrigin.partsPerSegment - 1)
        for other in ["video.m3u8", "small.m3u8", "audio.m3u8"] where other != name {
            lines.append("#EXT-X-RENDITION-REPORT:URI=\"\(other)\",LAST-MSN=\(last.0),LAST-PART=\(last.1)")
        }
        return lines
    }
}

/// Fragmented MP4 with nothing in it but what a player reads of time: one track, two samples in a part.
enum ReferenceFragment {
    static let timescale: UInt64 = 1000

    static let initialization = box("ftyp", [0x69, 0x73, 0x6F, 0x36]) + box("moov", box("mvex", trex))
    private static let trex = box("trex", integers([0, 1, 1, 250, 0, 0x1_0000]))

    static func segment(_ sequence: UInt64) -> [UInt8] {
        (0..<ReferenceOrigin.partsPerSegment).flatMap { part(sequence, $0) }
    }

    static func part(_ sequence: UInt64, _ number: Int, shifted: UInt64 = 0) -> [UInt8] {
        let time = (sequence * 4 + UInt64(number)) * timescale / 2 + shifted
        let tfhd = box("tfhd", integers([0x2_0000, 1]))
        let tfdt = box("tfdt", integers([0x100_0000, UInt32(time >> 32), UInt32(truncatingIfNeeded: time)]))
        // The first sample of a segment is a key frame.
        let trun = box("trun", integers(number == 0 ? [0x4, 2, 0x200_0000] : [0, 2]))
        return box("moof", box("traf", tfhd + tfdt + trun)) + box("mdat", integers([UInt32(truncatingIfNeeded: time)]))
    }

    private static func integers(_ values: [UInt32]) -> [UInt8] {
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) } }
    }

    private static func box(_ type: String, _ body: [UInt8]) -> [UInt8] {
        integers([UInt32(body.count + 8)]) + Array(type.utf8) + body
    }
}
