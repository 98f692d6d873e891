import Media
import MediaIO
import Primitives
import RTP
import TestSupport
import WebRTC

/// A publisher of one stream with layers inside, that answers key frame requests.
///
/// Its payloads are descriptors of VP8 or VP9 with senseless pictures behind them.
final class LayeredScene {
    enum Shape {
        /// VP8, three temporal layers in the pattern 0 2 1 2.
        case temporal
        /// VP9, three spatial layers, each predicted from the lower one of the same picture in key pictures only.
        case spatial
        /// H.264, every second picture needed by no other.
        case disposable
    }

    static let ssrc: UInt32 = 0x7777
    let worker = VirtualWorker()
    let client: VirtualClient
    private let shape: Shape
    private var sequence: UInt32 = 65_000
    private var timestamp: UInt32 = 5000
    private var picture: UInt32 = 0x7FF0
    private var base: UInt8 = 250
    private var phase = 0
    private var wantsKeyFrame = true
    private(set) var keyFrameRequests = 0
    /// Packets of 900 bytes in each picture, by temporal or spatial layer.
    var packets: [Int]

    init(_ shape: Shape) throws {
        self.shape = shape
        // Temporal: 1.4 Mbit/s, of which layers 0 and 1 are half. Spatial: 220, 650 and 1,700 kbit/s.
        packets = shape == .spatial ? [1, 2, 5] : [8, 5, 6]
        client = try VirtualClient(id: 1)
        let codec: Codec =
            switch shape {
            case .temporal: .vp8
            case .spatial: .vp9
            case .disposable: .h264
            }
        worker.perform(.addTrack(.init(id: 1, codec: codec, owner: 0)))
        var negotiated = VirtualCamera.track()
        negotiated.ssrcs = [Self.ssrc]
        worker.perform(.addPublisher(client.specification, [IngestBinding(track: 1, negotiated: negotiated)]))
        client.connect(to: worker)
        _ = worker.sink.take()
    }

    func join(
        id: PeerID = 10, rate: Double, rtx: Bool = true, queue: Interval = .milliseconds(200)
    ) throws
        -> VirtualDownlink
    {
        let viewer = try VirtualClient(id: id)
        let sender = PlaybackSender(
            mid: "0", trackIndex: 0, payloadType: 96, rtxPayloadType: rtx ? 97 : nil, ssrc: 1000,
            rtxSSRC: rtx ? 1001 : nil, supportsNACK: true, supportsPLI: true,
            transportCCExtension: rtx ? VirtualDownlink.transportCC : nil)
        worker.perform(.addViewer(viewer.specification, [PlaybackBinding(track: 1, sender: sender)]))
        viewer.connect(to: worker)
        return VirtualDownlink(worker, to: viewer, rate: rate, queue: queue)
    }

    /// Thirty pictures a second.
    func play(seconds: Double, through downlinks: [VirtualDownlink]) {
        for _ in 0..<Int(seconds * 30) {
            for datagram in nextPicture() { worker.receive(datagram, from: client.address) }
            let end = worker.now + Interval(ticks: 3000, atRate: 90_000)
            while worker.now < end {
                worker.run(until: min(worker.now + .milliseconds(1), end))
                let sent = worker.sink.take()
                for datagram in sent where datagram.to == client.address { answer(datagram.bytes) }
                for downlink in downlinks { downlink.step(sent) }
            }
        }
    }

    private func answer(_ datagram: [UInt8]) {
        for case .pictureLossIndication(_, Self.ssrc) in client.openRTCP(datagram) {
            wantsKeyFrame = true
            keyFrameRequests += 1
        }
    }

    private func nextPicture() -> [[UInt8]] {
        let isKey = wantsKeyFrame
        wantsKeyFrame = false
        timestamp &+= 3000
        picture = (picture + 1) & 0x7FFF
        phase = isKey ? 0 : phase + 1
        switch shape {
        case .temporal: return temporalPicture(isKey: isKey)
        case .spatial: return spatialPicture(isKey: isKey)
        case .disposable: return disposablePicture(isKey: isKey)
        }
    }

    private var identifier: [UInt8] { [0x80 | UInt8(picture >> 8), UInt8(truncatingIfNeeded: picture)] }

    private func temporalPicture(isKey: Bool) -> [[UInt8]] {
        let layer = [0, 2, 1, 2][phase % 4]
        if layer == 0 { base &+= 1 }
        // Layer 1 looks at layer 0 alone once in eight pictures; the first of layer 2 behind a picture of layer 0 always.
        let isSync = layer == 1 ? phase % 8 == 2 : phase % 4 == 1
        let count = packets[layer]
        return (0..<count).map { index in
            let descriptor: [UInt8] =
                [index == 0 ? 0x90 : 0x80, 0xE0] + identifier + [base, UInt8(layer) << 6 | (isSync ? 0x20 : 0)]
            return packet(descriptor + [isKey ? 0x10 : 0x11], marker: index == count - 1)
        }
    }

    private func spatialPicture(isKey: Bool) -> [[UInt8]] {
        (0..<packets.count).flatMap { layer in
            (0..<packets[layer]).map { index in
                let isLast = index == packets[layer] - 1
                let flags: UInt8 = 0xA0 | (isKey ? 0 : 0x40) | (index == 0 ? 8 : 0) | (isLast ? 4 : 0)
                let descriptor = [flags] + identifier + [UInt8(layer) << 1 | (isKey && layer > 0 ? 1 : 0), base]
                return packet(descriptor, marker: isLast && layer == packets.count - 1)
            }
        }
    }

    private func disposablePicture(isKey: Bool) -> [[UInt8]] {
        let header: UInt8 = isKey ? 0x65 : phase % 2 == 1 ? 0x01 : 0x41
        return (0..<5).map { packet([header, 0x88, 0, 0, 0, 0], marker: $0 == 4) }
    }

    private func packet(_ start: [UInt8], marker: Bool) -> [UInt8] {
        defer { sequence += 1 }
        return client.packet(
            payloadType: VirtualCamera.payloadType, sequence: sequence, timestamp: timestamp, ssrc: Self.ssrc,
            marker: marker, payload: start + [UInt8](repeating: 0xAB, count: 900))
    }
}
