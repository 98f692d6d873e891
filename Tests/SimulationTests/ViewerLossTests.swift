import MediaIO
import Primitives
import RTP
import TestSupport
import Testing

/// Loss on the way to a viewer, in virtual time; `docs/loss-and-congestion.md` has the figures that these tests print.
@Suite("Loss on a viewer's path, RFC 4585 and RFC 4588", .serialized)
struct ViewerLossTests {
    private static let packetsPerFrame: UInt32 = 4
    private static let frames = 900
    private static let parts = [0.01, 0.05, 0.1, 0.2]
    private static let roundTrips: [Int64] = [20, 80, 300]

    private struct Outcome {
        var missing: Int
        var late: Int
        var p50: Double
        var p95: Double
        var overhead: Double
        /// The part of media packets lost on their first way.
        var loss: Double
    }

    /// Half a minute at thirty frames a second, a key frame each second, and three seconds for the last repairs.
    private func play(
        _ model: LossModel, roundTrip: Int64, knowsRoundTrip: Bool = true, repeatsRequests: Bool = false
    ) throws -> Outcome {
        let scene = try Scene()
        let downlink = try LossyDownlink(
            scene, model, roundTrip: .milliseconds(roundTrip), knowsRoundTrip: knowsRoundTrip,
            seed: UInt64(model.part * 1000) &* 1000 &+ UInt64(roundTrip))
        downlink.repeatsRequests = repeatsRequests
        scene.play(frames: Self.frames, through: downlink, packets: Int(Self.packetsPerFrame))
        // Neither probes, which are retransmissions that nobody asked for, nor what a viewer asked for too early.
        let answered = scene.worker.report().counters.retransmissions - downlink.needless
        let delays = downlink.repairDelays
        func percentile(_ percent: Int) -> Double {
            delays.isEmpty ? 0 : delays[min(delays.count * percent / 100, delays.count - 1)]
        }
        return Outcome(
            missing: downlink.missingFrames(packets: Self.packetsPerFrame),
            late: downlink.missingFrames(packets: Self.packetsPerFrame, laterThan: .seconds(1)),
            p50: percentile(50), p95: percentile(95), overhead: Double(answered) / Double(downlink.sent),
            loss: Double(downlink.lost) / Double(downlink.sent))
    }

    private func report(_ name: String, roundTrip: Int64, _ outcome: Outcome) {
        let overhead = (outcome.overhead * 1000).rounded() / 10
        print(
            "viewer loss | \(name) | \(roundTrip) ms | \(outcome.missing) | \(outcome.late) |",
            "\(Int(outcome.p50)) | \(Int(outcome.p95)) | \(overhead)% |")
    }

    /// Frames that may be missing: what the tries of the second that packets are kept for cannot repair, with room for
    /// chance.
    private static func hopeless(_ part: Double, roundTrip: Int64) -> Int {
        var failed = part
        for _ in 0..<min(10, 1000 / (roundTrip + 20)) { failed *= 1 - (1 - part) * (1 - part) }
        return Int(failed * Double(packetsPerFrame) * Double(frames) * 3) + 1
    }

    @Test(arguments: parts, roundTrips)
    func `random loss is repaired in time, and at little cost`(part: Double, roundTrip: Int64) throws {
        let model = LossModel.random(part)
        let outcome = try play(model, roundTrip: roundTrip)
        report(model.testDescription, roundTrip: roundTrip, outcome)
        #expect(outcome.missing <= Self.hopeless(part, roundTrip: roundTrip))
        // Two frame intervals to notice; a third try begins at the second tick of 20 ms behind a round trip.
        let tries = Double(model.triesFor95Percent)
        #expect(outcome.p95 <= tries * Double(roundTrip) + 67 + (tries > 2 ? 2 * 20 : 0))
        #expect(outcome.overhead <= 1.3 * outcome.loss / (1 - outcome.loss))
    }

    @Test(arguments: parts.flatMap { [LossModel.bursts($0, mean: 3), .bursts($0, mean: 8)] }, roundTrips)
    func `loss in bursts is repaired too`(model: LossModel, roundTrip: Int64) throws {
        let outcome = try play(model, roundTrip: roundTrip)
        report(model.testDescription, roundTrip: roundTrip, outcome)
        // A fifth in bursts takes some estimates so far down that the picture is paused: reported, not promised.
        if model.part <= 0.1 { #expect(outcome.missing <= Self.frames / 50) }
    }

    @Test(arguments: [0.05, 0.1], roundTrips)
    func `a browser that does not know its round trip is answered as well`(part: Double, roundTrip: Int64) throws {
        let model = LossModel.random(part)
        let outcome = try play(model, roundTrip: roundTrip, knowsRoundTrip: false)
        report("\(model.testDescription), 100 ms assumed", roundTrip: roundTrip, outcome)
        #expect(outcome.missing <= Self.hopeless(part, roundTrip: max(roundTrip, 100)))
        #expect(outcome.p95 <= 2 * Double(max(roundTrip, 100) + 20) + 67)
        #expect(outcome.overhead <= 1.3 * outcome.loss / (1 - outcome.loss))
    }

    @Test(arguments: roundTrips) func `requests that come twice are answered once`(roundTrip: Int64) throws {
        let outcome = try play(.random(0.05), roundTrip: roundTrip, repeatsRequests: true)
        #expect(outcome.overhead <= 1.3 * outcome.loss / (1 - outcome.loss))
        #expect(outcome.p95 <= 2 * Double(roundTrip) + 67)
    }

    @Test(arguments: [0.03, 0.1], [1, 2, 3] as [UInt64])
    func `what is lost of a replay is repaired like anything else`(part: Double, seed: UInt64) throws {
        let scene = try Scene()
        scene.play(frames: 25, firstIsKey: true)
        let replayed = scene.camera.counter
        let joined = scene.worker.now
        let downlink = try LossyDownlink(scene, .random(part), roundTrip: .milliseconds(20), seed: seed)
        downlink.expect(0..<replayed)
        scene.play(frames: 30, through: downlink, packets: Int(Self.packetsPerFrame))
        // Nobody knows of packets that were lost before the first that came.
        let first = try #require(downlink.receivedAt.keys.min())
        #expect(first < 4)
        for counter in first..<replayed {
            let received = try #require(downlink.receivedAt[counter])
            #expect(received - joined < .milliseconds(250))
        }
    }
}
