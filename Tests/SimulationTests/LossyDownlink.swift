import MediaIO
import Primitives
import RTP
import SFU
import TestSupport
import Testing

/// How a path loses packets.
enum LossModel: Sendable, CustomTestStringConvertible {
    /// Each packet for itself, with this probability.
    case random(Double)
    /// Gilbert-Elliott: this part of all packets, in runs of so many on average.
    case bursts(Double, mean: Double)

    /// The part of packets lost in the long run.
    var part: Double {
        switch self {
        case .random(let part), .bursts(let part, _): part
        }
    }

    /// The least round trips after which 95% of lost packets are repaired, if requests and answers get lost alike.
    var triesFor95Percent: Int {
        let success = (1 - part) * (1 - part)
        var failed = 1.0
        for tries in 1...10 {
            failed *= 1 - success
            if 1 - failed >= 0.95 { return tries }
        }
        return 10
    }

    var testDescription: String {
        switch self {
        case .random(let part): "\(Int((part * 100).rounded()))% random"
        case .bursts(let part, let mean): "\(Int((part * 100).rounded()))% in bursts of \(Int(mean))"
        }
    }
}

/// One direction of a path that loses packets.
struct LossyPath {
    private let model: LossModel
    private var random: SeededGenerator
    private var isBad = false

    init(_ model: LossModel, seed: UInt64) {
        self.model = model
        random = SeededGenerator(seed: seed)
    }

    /// Whether the next packet is lost.
    mutating func loses() -> Bool {
        switch model {
        case .random(let part):
            return Double.random(in: 0..<1, using: &random) < part
        case .bursts(let part, let mean):
            let change = isBad ? 1 / mean : part / (mean * (1 - part))
            if Double.random(in: 0..<1, using: &random) < change { isBad.toggle() }
            return isBad
        }
    }

    /// Whether something befalls the next packet that befalls one in so many.
    mutating func happens(onceIn count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

    mutating func delay(upTo most: Interval) -> Interval {
        Interval(nanoseconds: Int64.random(in: 0...most.nanoseconds, using: &random))
    }
}

/// A viewer behind a path that loses, reorders and repeats packets both ways; it asks for what is lost as browsers do,
/// and reports as they do, all in virtual time.
final class LossyDownlink {
    private let worker: VirtualWorker
    let viewer: VirtualClient
    private let oneWay: Interval
    private let mediaSSRC: UInt32
    private var down: LossyPath
    private var up: LossyPath
    /// Sends each request for packets twice.
    var repeatsRequests = false
    private var arriving: [(at: Instant, bytes: [UInt8])] = []
    private var returning: [(at: Instant, bytes: [UInt8])] = []
    private var requests: BrowserRequests
    private var sequences = SequenceUnwrapper()
    private var statistics = ReceptionStatistics(clockRate: 90_000)
    private var feedback = TransportFeedbackGenerator(senderSSRC: 5, interval: .milliseconds(50))
    private var nextReport: Instant

    /// When each of the camera's packets came to the gateway, and when the viewer had it.
    private(set) var leftAt: [UInt32: Instant] = [:]
    private(set) var receivedAt: [UInt32: Instant] = [:]
    /// Numbers of media packets that were lost on their first way.
    private var lostNumbers: Set<UInt16> = []
    private(set) var lost = 0
    /// Retransmissions of packets that were late only.
    private(set) var needless = 0
    /// Media packets and retransmissions that left the gateway.
    private(set) var sent = 0
    private(set) var retransmitted = 0
    private(set) var requested = 0

    /// - Parameters:
    ///   - scene: Gets a viewer with RTX and transport-wide feedback.
    ///   - model: How both directions lose.
    ///   - roundTrip: Without queues.
    ///   - knowsRoundTrip: Whether the viewer does; a browser that sends nothing assumes 100 ms.
    ///   - seed: Of both directions.
    /// - Throws: When the viewer's keys cannot be made.
    init(
        _ scene: Scene, _ model: LossModel, roundTrip: Interval, knowsRoundTrip: Bool = true, seed: UInt64
    ) throws {
        worker = scene.worker
        viewer = try scene.join(rtx: true, transportCC: VirtualDownlink.transportCC)
        mediaSSRC = scene.viewers.last?.ssrc ?? 0
        oneWay = roundTrip / 2
        down = LossyPath(model, seed: seed &* 2)
        up = LossyPath(model, seed: seed &* 2 &+ 1)
        // As measured: with the time that things take at both ends.
        requests = BrowserRequests(roundTrip: knowsRoundTrip ? roundTrip + .milliseconds(4) : .milliseconds(100))
        nextReport = scene.worker.now + .seconds(1)
    }

    // MARK: What came of it

    /// How long packets that had to be repaired took beyond the way itself, in milliseconds, ascending.
    var repairDelays: [Double] {
        leftAt.compactMap { counter, left in
            guard let received = receivedAt[counter] else { return nil }
            let extra = (received - left - oneWay).seconds * 1000
            // Reordering and the steps of the clock take less.
            return extra > 14 ? extra : nil
        }.sorted()
    }

    /// Frames of so many packets each, of which one never came, or came more than this after it left.
    func missingFrames(packets: UInt32, laterThan limit: Interval? = nil) -> Int {
        let frames = Set(leftAt.keys.map { $0 / packets })
        return frames.count { frame in
            (frame * packets..<(frame + 1) * packets).contains { counter in
                guard let left = leftAt[counter], let received = receivedAt[counter] else { return true }
                return limit.map { received - left > $0 } ?? false
            }
        }
    }

    // MARK: Time

    /// The camera has sent these packets.
    func expect(_ counters: Range<UInt32>) {
        for counter in counters { leftAt[counter] = worker.now }
    }

    /// Takes what the gateway has sent to this viewer, and moves time's arrivals; once a millisecond.
    func step(_ datagrams: [(bytes: [UInt8], to: TransportAddress)]) {
        let now = worker.now
        for datagram in datagrams where datagram.to == viewer.address { leave(datagram.bytes, at: now) }
        for datagram in take(&arriving, until: now) { arrive(datagram, at: now) }
        ask(for: requests.tick(at: now), at: now)
        while let report = feedback.advance(to: now) { sendBack([.transportFeedback(report)], at: now) }
        if nextReport <= now {
            nextReport = now + .seconds(1)
            sendBack([], at: now)
        }
        for datagram in take(&returning, until: now) { worker.receive(datagram, from: viewer.address) }
    }

    private func take(_ queue: inout [(at: Instant, bytes: [UInt8])], until now: Instant) -> [[UInt8]] {
        let due = queue.enumerated().filter { $0.element.at <= now }.sorted {
            ($0.element.at, $0.offset) < ($1.element.at, $1.offset)
        }
        guard !due.isEmpty else { return [] }
        queue.removeAll { $0.at <= now }
        return due.map(\.element.bytes)
    }

    private func leave(_ datagram: [UInt8], at now: Instant) {
        let isMedia = !RTCPType.isRTCP(datagram.span)
        if isMedia {
            if datagram[1] & 0x7F == 97 { retransmitted += 1 } else { sent += 1 }
        }
        guard !down.loses() else {
            if isMedia, datagram[1] & 0x7F != 97 {
                lost += 1
                lostNumbers.insert(UInt16(datagram[2]) << 8 | UInt16(datagram[3]))
            }
            return
        }
        var at = now + oneWay
        if down.happens(onceIn: 200) { at = at + .milliseconds(2) + down.delay(upTo: .milliseconds(10)) }
        arriving.append((at, datagram))
        if down.happens(onceIn: 200) { arriving.append((at + .milliseconds(1), datagram)) }
    }

    private func arrive(_ datagram: [UInt8], at now: Instant) {
        for case .senderReport(let report) in viewer.openRTCP(datagram) where report.ssrc == mediaSSRC {
            statistics.receiveSenderReport(ntp: report.ntpTime, at: now)
        }
        guard let packet = viewer.openWithExtensions(datagram) else { return }
        if let number = packet.transportNumber {
            feedback.receive(sequenceNumber: number, mediaSSRC: packet.header.ssrc, at: now)
        }
        var payload = packet.payload[...]
        var number = packet.header.sequenceNumber
        let isRepair = packet.header.payloadType == 97
        if isRepair {
            guard payload.count > 8 else { return }
            number = UInt16(payload[0]) << 8 | UInt16(payload[1])
            payload = payload.dropFirst(2)
            if !lostNumbers.contains(number) { needless += 1 }
        }
        let sequence =
            isRepair
            ? SequenceUnwrapper.extend(number, near: sequences.newest ?? 0) : sequences.unwrap(number)
        if !isRepair { statistics.receive(sequence: sequence, timestamp: packet.header.timestamp, at: now) }
        let counter = payload.dropFirst(2).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        if receivedAt[counter] == nil { receivedAt[counter] = now }
        ask(for: requests.receive(sequence, isRepair: isRepair, at: now), at: now)
    }

    private func ask(for numbers: [UInt16], at now: Instant) {
        guard !numbers.isEmpty else { return }
        requested += numbers.count
        let nack = GenericNACK(senderSSRC: 5, mediaSSRC: mediaSSRC, lost: numbers)
        for _ in 0..<(repeatsRequests ? 2 : 1) { sendBack([.genericNACK(nack)], at: now) }
    }

    private func sendBack(_ packets: [RTCPPacket], at now: Instant) {
        let report = ReceiverReport(
            ssrc: 5, reportBlocks: packets.isEmpty ? [statistics.report(ssrc: mediaSSRC, at: now)] : [])
        let datagram = viewer.rtcp([.receiverReport(report)] + packets)
        if !up.loses() { returning.append((now + oneWay, datagram)) }
    }
}

/// Asks for lost packets as libwebrtc's receiver does: behind as many later packets as half of the late ones have let
/// pass, then again at ticks of 20 ms when a round trip has gone by, ten times each.
struct BrowserRequests {
    private struct Missing {
        var sequence: Int64
        /// The number whose arrival makes it due.
        var dueAt: Int64
        var askedAt: Instant?
        var tries = 0
    }

    static let tickInterval = Interval.milliseconds(20)
    static let attempts = 10

    private let roundTrip: Interval
    private var newest: Int64?
    private var missing: [Missing] = []
    /// By how many packets late ones were late.
    private var lateness: [Int64] = []
    private var nextTick = Instant.zero

    init(roundTrip: Interval) {
        self.roundTrip = roundTrip
    }

    /// Notes a packet; returns what is to be asked for at once.
    mutating func receive(_ sequence: Int64, isRepair: Bool, at now: Instant) -> [UInt16] {
        guard let newest else {
            self.newest = sequence
            return []
        }
        guard sequence > newest else {
            if missing.contains(where: { $0.sequence == sequence }), !isRepair { lateness.append(newest - sequence) }
            missing.removeAll { $0.sequence == sequence }
            return []
        }
        let patience = lateness.isEmpty ? 0 : lateness.sorted()[lateness.count / 2]
        for lost in (newest + 1)..<sequence { missing.append(Missing(sequence: lost, dueAt: lost + patience)) }
        self.newest = sequence
        return take(at: now) { $0.askedAt == nil && $0.dueAt <= sequence }
    }

    /// Returns what is to be asked for again.
    mutating func tick(at now: Instant) -> [UInt16] {
        guard now >= nextTick else { return [] }
        nextTick = now + Self.tickInterval
        let roundTrip = roundTrip
        return take(at: now) { $0.askedAt.map { now - $0 >= roundTrip } ?? true }
    }

    private mutating func take(at now: Instant, where isDue: (Missing) -> Bool) -> [UInt16] {
        var numbers: [UInt16] = []
        for index in missing.indices where isDue(missing[index]) {
            numbers.append(UInt16(truncatingIfNeeded: missing[index].sequence))
            missing[index].askedAt = now
            missing[index].tries += 1
        }
        missing.removeAll { $0.tries >= Self.attempts }
        return numbers
    }
}

extension Scene {
    /// Sends thirty frames a second through `downlink`, a key frame each second, and waits for the last repairs.
    func play(frames: Int, through downlink: LossyDownlink, packets: Int) {
        for index in 0..<frames {
            let first = camera.counter
            let datagrams = camera.frame(isKeyFrame: index % 30 == 0, packets: packets)
            downlink.expect(first..<camera.counter)
            for datagram in datagrams { worker.receive(datagram, from: camera.client.address) }
            wait(Interval(ticks: 3000, atRate: 90_000), downlink)
        }
        wait(.seconds(3), downlink)
    }

    private func wait(_ time: Interval, _ downlink: LossyDownlink) {
        let end = worker.now + time
        while worker.now < end {
            worker.run(until: min(worker.now + .milliseconds(1), end))
            downlink.step(worker.sink.take())
        }
    }
}
