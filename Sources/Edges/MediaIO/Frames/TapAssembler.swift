import Media
package import Primitives
import RTP
import SFU

/// Makes frames of the packets of one publisher, all tracks on one timeline.
///
/// Sans-IO: `FrameThread` drives it. Times come from the tracks' clocks (sender reports, arrival before the first of them).
/// Of a simulcast picture the highest layer that flows is read, from one of its key frames on, and the others beside it
/// while ``readsAllLayers`` is set.
package struct TapAssembler {
    /// Media time of the first frame, in microseconds: frames of other tracks may lie somewhat before it.
    package static let leadIn: Int64 = 1_000_000
    /// How long the layers of a picture may take to appear before the highest of them is chosen.
    static let layerPatience = Interval.seconds(1)
    /// A layer is the higher one when it has this much more bitrate.
    static let layerFactor = 1.3

    fileprivate struct Layer {
        let id: TrackID
        var restorer: FrameRestorer
        var clock: FrameClock
        var reference: ClockReference?
        var bitsPerSecond = 0.0
        var lastArrival: Instant?
        /// Of what goes out for itself.
        var configuration: CodecConfiguration?
        var lastDecodeTime: Int64 = 0
    }

    fileprivate struct Track {
        let codec: Codec
        var layers: [Layer]
        /// The layer whose frames go out; `nil` before the first.
        var current: Int?
        /// The layer to read from its next key frame on.
        var wanted: Int?
        var firstArrival: Instant?
        var configuration: CodecConfiguration?
        var lastDecodeTime: Int64 = 0
        var readsAllLayers = false
    }

    /// Whether the layers below the highest go out as well, each for itself and with the same times.
    ///
    /// The highest does so only if it was once below another: then its reader need not care which one is the highest.
    package var readsAllLayers = false {
        didSet {
            guard readsAllLayers != oldValue else { return }
            for position in tracks.indices { tracks[position].setReadsAllLayers(readsAllLayers) }
        }
    }

    private var tracks: [Track]
    private let kinds: Set<MediaKind>
    /// Unix nanoseconds at media time 0; `nil` before the first frame.
    private var zero: Int64?
    /// Since they were last taken.
    private var outputs: [TapOutput] = []
    private var requests: [TrackID] = []

    /// An assembler that has seen nothing.
    ///
    /// - Parameter tracks: Those to read; G.711 has no place on the frame lane and is left out.
    package init(tracks: [TapSpecification.Track]) {
        self.tracks = tracks.filter { $0.codec != .pcmu && $0.codec != .pcma }.map { track in
            let layers = track.layers.map {
                Layer(
                    id: $0, restorer: FrameRestorer(codec: track.codec),
                    clock: FrameClock(clockRate: track.codec.clockRate))
            }
            return Track(codec: track.codec, layers: layers)
        }
        kinds = Set(self.tracks.map(\.codec.kind))
    }

    /// Frames that were left out because they were damaged, or depended on what was lost.
    package var undecodable: Int { tracks.flatMap(\.layers).reduce(0) { $0 + $1.restorer.undecodable } }

    /// When ``advance(to:)`` has something to do; `nil` while nothing is missing.
    package var deadline: Instant? {
        var earliest: Instant?
        for track in tracks {
            for index in track.reading {
                for due in [track.layers[index].restorer.deadline, track.layers[index].restorer.keyFrameDeadline] {
                    if let due { earliest = min(earliest ?? due, due) }
                }
            }
        }
        return earliest
    }

    /// What has come of it since the last call: for readers, and the tracks that a key frame is wanted of.
    package mutating func takeOutputs() -> (outputs: [TapOutput], keyFrameRequests: [TrackID]) {
        defer {
            outputs.removeAll(keepingCapacity: true)
            requests.removeAll(keepingCapacity: true)
        }
        return (outputs, requests)
    }

    /// Takes packets that left the log at the same time.
    package mutating func receive(_ packets: TappedPackets, at now: Instant) {
        for burst in packets.bursts {
            for position in tracks.indices {
                guard let layer = tracks[position].layers.firstIndex(where: { $0.id == burst.track }) else { continue }
                tracks[position].note(burst, layer: layer, at: now)
            }
        }
        for position in tracks.indices { chooseLayer(of: position, at: now) }
        for burst in packets.bursts {
            for position in tracks.indices {
                guard
                    let layer = tracks[position].reading.first(where: { tracks[position].layers[$0].id == burst.track })
                else { continue }
                tracks[position].insert(burst, layer: layer, at: now)
            }
        }
        advance(to: now)
    }

    /// Gives up what has been missing for too long, and asks for key frames that do not come.
    package mutating func advance(to now: Instant) {
        var frames: [(frame: EncodedFrame, time: Int64)] = []
        var layerFrames: [(frame: EncodedFrame, time: Int64, position: Int, layer: Int)] = []
        for position in tracks.indices {
            chooseLayer(of: position, at: now)
            for layer in tracks[position].reading {
                for received in tracks[position].layers[layer].restorer.frames(at: now) {
                    guard let time = tracks[position].admit(received, layer: layer) else { continue }
                    let isShown = layer == tracks[position].current
                    if isShown { frames.append((received.frame, time)) }
                    // What is or becomes the picture need not come twice.
                    let isForItself = !isShown && layer != tracks[position].wanted
                    guard tracks[position].readsAllLayers,
                        isForItself || tracks[position].layers[layer].configuration != nil
                    else { continue }
                    layerFrames.append((received.frame, time, position, layer))
                }
                if tracks[position].layers[layer].restorer.asksForKeyFrame(at: now) {
                    requests.append(tracks[position].layers[layer].id)
                }
            }
        }
        // Several tracks at once, as at the start: in the order of their times, each track in its own.
        if kinds.count > 1, frames.count > 1 { frames = Self.interleaved(frames) }
        for (frame, time) in frames { emit(frame, at: time) }
        for (frame, time, position, layer) in layerFrames { emit(frame, at: time, ofLayer: layer, position) }
    }

    // MARK: Layers

    private mutating func chooseLayer(of position: Int, at now: Instant) {
        guard tracks[position].layers.count > 1 else {
            if tracks[position].current == nil { tracks[position].wanted = 0 }
            return
        }
        guard let first = tracks[position].firstArrival else { return }
        let areAllKnown = tracks[position].layers.allSatisfy { $0.lastArrival != nil }
        guard areAllKnown || now - first >= Self.layerPatience else { return }
        let layers = tracks[position].layers
        func flows(_ layer: Layer) -> Bool { layer.lastArrival.map { now - $0 < MediaCore.layerSilence } ?? false }
        guard
            let best = layers.indices.filter({ flows(layers[$0]) })
                .max(by: { layers[$0].bitsPerSecond < layers[$1].bitsPerSecond })
        else { return }
        if let current = tracks[position].current, flows(layers[current]),
            layers[best].bitsPerSecond < layers[current].bitsPerSecond * Self.layerFactor
        {
            tracks[position].wanted = nil
            return
        }
        guard best != tracks[position].current, best != tracks[position].wanted else { return }
        tracks[position].wanted = best
        guard !tracks[position].readsAllLayers else { return }
        tracks[position].layers[best].restorer = FrameRestorer(codec: tracks[position].codec)
    }

    // MARK: Frames

    /// Merges what the tracks give, which is in order within each of them.
    private static func interleaved(
        _ frames: [(frame: EncodedFrame, time: Int64)]
    ) -> [(frame: EncodedFrame, time: Int64)] {
        let video = frames.filter { $0.frame.codec.kind == .video }
        let audio = frames.filter { $0.frame.codec.kind == .audio }
        var merged: [(frame: EncodedFrame, time: Int64)] = []
        merged.reserveCapacity(frames.count)
        var next = 0
        for picture in video {
            while next < audio.count, audio[next].time < picture.time {
                merged.append(audio[next])
                next += 1
            }
            merged.append(picture)
        }
        return merged + audio[next...]
    }

    private mutating func emit(_ frame: EncodedFrame, at time: Int64) {
        guard let position = tracks.firstIndex(where: { $0.codec == frame.codec }) else { return }
        if let configuration = CodecConfiguration(inBandOf: frame), configuration != tracks[position].configuration {
            begin(at: time)
            tracks[position].configuration = configuration
            outputs.append(.configured(configuration))
        }
        // A decoder could not begin.
        guard tracks[position].configuration != nil, let zero else { return }
        var frame = frame
        frame.presentationTime = max((time &- zero) / 1_000, 0)
        // RTP tells when a frame is shown; it is decoded in the order in which it came.
        tracks[position].lastDecodeTime = max(tracks[position].lastDecodeTime, frame.presentationTime)
        frame.decodeTime = tracks[position].lastDecodeTime
        outputs.append(.frame(frame))
    }

    private mutating func emit(_ frame: EncodedFrame, at time: Int64, ofLayer index: Int, _ position: Int) {
        var layer = tracks[position].layers[index]
        defer { tracks[position].layers[index] = layer }
        // The picture itself begins the timeline.
        guard let zero else { return }
        if let configuration = CodecConfiguration(inBandOf: frame), configuration != layer.configuration {
            layer.configuration = configuration
            outputs.append(.layerConfigured(layer.id, configuration))
        }
        guard layer.configuration != nil else { return }
        var frame = frame
        frame.presentationTime = max((time &- zero) / 1_000, 0)
        layer.lastDecodeTime = max(layer.lastDecodeTime, frame.presentationTime)
        frame.decodeTime = layer.lastDecodeTime
        outputs.append(.layerFrame(layer.id, frame))
    }

    private mutating func begin(at time: Int64) {
        guard zero == nil else { return }
        let zero = time &- Self.leadIn &* 1_000
        self.zero = zero
        outputs.append(.began(unixNanosecondsAtZero: zero, kinds: kinds))
    }
}

fileprivate extension TapAssembler.Track {
    /// The layers whose packets are put together.
    var reading: [Int] {
        if readsAllLayers { return Array(layers.indices) }
        return [current, wanted == current ? nil : wanted].compactMap { $0 }
    }

    mutating func setReadsAllLayers(_ readsAll: Bool) {
        guard layers.count > 1 else { return }
        let known = reading
        readsAllLayers = readsAll
        for index in layers.indices {
            layers[index].configuration = nil
            layers[index].lastDecodeTime = 0
            if !known.contains(index) { layers[index].restorer = FrameRestorer(codec: codec) }
        }
    }

    /// Takes note of what a burst says of its layer.
    mutating func note(_ burst: RelayedPackets, layer: Int, at now: Instant) {
        if firstArrival == nil { firstArrival = now }
        layers[layer].lastArrival = now
        layers[layer].bitsPerSecond = burst.bitsPerSecond
        if let clock = burst.clock { layers[layer].reference = clock }
    }

    /// Takes the packets of a burst, in the order of their numbers as far as they are together.
    mutating func insert(_ burst: RelayedPackets, layer: Int, at now: Instant) {
        var packets: [ReorderBuffer.Packet] = []
        packets.reserveCapacity(burst.entries.count)
        var offset = 0
        for entry in burst.entries {
            let end = offset + Int(entry.length)
            packets.append(
                ReorderBuffer.Packet(
                    sequence: entry.sequence,
                    timestamp: UInt32(truncatingIfNeeded: entry.timestamp),
                    marker: entry.marker,
                    payload: Array(burst.payloads[offset..<end]),
                    arrivedAt: now
                )
            )
            offset = end
        }
        packets.sort { $0.sequence < $1.sequence }
        for packet in packets { layers[layer].restorer.receive(packet) }
    }

    /// Dates a frame that goes out, and moves to its layer when it is the key frame waited for.
    ///
    /// - Returns: Its time in Unix nanoseconds; `nil` when it is left out.
    mutating func admit(_ received: ReceivedFrame, layer: Int) -> Int64? {
        guard let reference = layers[layer].reference else { return nil }
        let time = layers[layer].clock.time(
            of: received.timestamp, reference: reference.timestamp, at: reference.ntpTime)
        if layer == wanted, received.frame.isKeyFrame {
            current = layer
            wanted = nil
        }
        return layer == current || readsAllLayers ? time : nil
    }
}
