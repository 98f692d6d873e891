import MediaIO
import Primitives
import RTP
import SFU
import TestSupport

/// A viewer behind a link of limited rate and a queue, which reports by transport-wide feedback, all in virtual time.
final class VirtualDownlink {
    static let transportCC: UInt8 = 4

    private let worker: VirtualWorker
    let viewer: VirtualClient
    /// Bits per second; may change while a test runs.
    var rate: Double
    private let delay: Interval
    /// What the queue holds at most, in time at the present rate.
    private let queue: Interval
    private var feedback = TransportFeedbackGenerator(senderSSRC: 5, interval: .milliseconds(50))
    private var linkFreeAt: Instant
    private var arriving: [(at: Instant, bytes: [UInt8])] = []
    private var returning: [(at: Instant, bytes: [UInt8])] = []
    /// Datagrams that the queue had no room for.
    private(set) var dropped = 0
    /// Media packets in order of arrival: when, how long after leaving the gateway, and its bytes.
    private(set) var media: [Arrival] = []

    struct Arrival {
        var at: Instant
        var delay: Interval
        var bytes: Int
        var header: RTPHeader
        /// The camera's packet number and mark.
        var counter: UInt32
        var mark: UInt8
    }
    private(set) var retransmitted = 0
    private(set) var transportNumbers: [UInt16] = []

    /// A link of `rate` bits per second between a worker and a viewer that has joined there.
    init(
        _ worker: VirtualWorker, to viewer: VirtualClient, rate: Double, delay: Interval = .milliseconds(20),
        queue: Interval = .milliseconds(200)
    ) {
        self.worker = worker
        self.viewer = viewer
        self.rate = rate
        self.delay = delay
        self.queue = queue
        linkFreeAt = worker.now
    }

    convenience init(_ scene: Scene, rate: Double) throws {
        let viewer = try scene.join(rtx: true, transportCC: Self.transportCC)
        self.init(scene.worker, to: viewer, rate: rate)
    }

    private var leftAt: [[UInt8]: Instant] = [:]
    /// Every datagram that has arrived.
    private(set) var seen: Set<[UInt8]> = []

    /// Takes what the gateway has sent to this viewer, and moves time's arrivals.
    func step(_ datagrams: [(bytes: [UInt8], to: TransportAddress)]) {
        let now = worker.now
        for datagram in datagrams where datagram.to == viewer.address {
            let start = max(linkFreeAt, now)
            guard start - now <= queue else {
                dropped += 1
                continue
            }
            let time = Interval(seconds: Double(datagram.bytes.count + 28) * 8 / rate)
            linkFreeAt = start + time
            leftAt[datagram.bytes] = now
            arriving.append((linkFreeAt + delay, datagram.bytes))
        }
        while let first = arriving.first, first.at <= now {
            arriving.removeFirst()
            arrive(first.bytes, at: first.at)
        }
        while let report = feedback.advance(to: now) {
            let packets: [RTCPPacket] = [.receiverReport(ReceiverReport(ssrc: 5)), .transportFeedback(report)]
            returning.append((now + delay, viewer.rtcp(packets)))
        }
        while let first = returning.first, first.at <= now {
            returning.removeFirst()
            worker.receive(first.bytes, from: viewer.address)
        }
    }

    private func arrive(_ datagram: [UInt8], at now: Instant) {
        let left = leftAt.removeValue(forKey: datagram) ?? now
        seen.insert(datagram)
        guard let packet = viewer.openWithExtensions(datagram) else { return }
        if let number = packet.transportNumber {
            transportNumbers.append(number)
            feedback.receive(sequenceNumber: number, mediaSSRC: packet.header.ssrc, at: now)
        }
        if packet.header.payloadType == 97 {
            retransmitted += 1
        } else if packet.payload.count >= 6 {
            let counter = packet.payload[2...5].reduce(0) { $0 << 8 | UInt32($1) }
            media.append(
                Arrival(
                    at: now, delay: now - left, bytes: datagram.count, header: packet.header, counter: counter,
                    mark: packet.payload.count > 6 ? packet.payload[6] : 0))
        }
    }
}

extension VirtualClient {
    /// Decrypts an RTP packet and reads its transport-wide number.
    func openWithExtensions(
        _ datagram: [UInt8]
    ) -> (header: RTPHeader, payload: [UInt8], transportNumber: UInt16?)? {
        guard let packet = openWhole(datagram), let header = try? RTPHeader(parsing: packet.span) else { return nil }
        let range = RTPHeaderExtensions.first(id: VirtualDownlink.transportCC, header: header, in: packet.span)
        let number = range.flatMap { TransportSequenceNumber.parse(packet.span.extracting($0)) }
        return (header, Array(packet[header.payloadRange]), number)
    }
}

extension Scene {
    /// Sends thirty frames a second of virtual time through `downlinks`, stepping a millisecond at a time.
    func play(
        frames: Int, through downlinks: [VirtualDownlink], keyFrameEvery interval: Int = .max, firstIsKey: Bool = false,
        packets: Int = 8
    ) {
        for index in 0..<frames {
            let isKey = index == 0 ? firstIsKey : index % interval == 0
            for datagram in camera.frame(isKeyFrame: isKey, packets: packets) {
                worker.receive(datagram, from: camera.client.address)
            }
            let end = worker.now + Interval(ticks: 3000, atRate: 90_000)
            while worker.now < end {
                worker.run(until: min(worker.now + .milliseconds(1), end))
                let sent = worker.sink.take()
                for downlink in downlinks { downlink.step(sent) }
            }
        }
    }
}
