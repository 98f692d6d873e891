import MediaIO
import Primitives
import Testing

@Suite("Layers by the viewer's wish")
struct LayerWishTests {
    /// The camera whose packets arrived last, 0 for the largest picture.
    private static func shown(_ downlink: VirtualDownlink) -> UInt8? { downlink.media.last?.mark }

    private static func scene(rate: Double = 10e6) throws -> (SimulcastScene, VirtualDownlink) {
        let scene = try SimulcastScene()
        scene.play(seconds: 2, through: [])
        let downlink = try scene.join(rate: rate)
        scene.play(seconds: 5, through: [downlink])
        return (scene, downlink)
    }

    @Test(arguments: [(TrackID(2), UInt8(1)), (3, 2)])
    func `a viewer gets the layer it wishes, and the best again when it takes the wish back`(
        layer: TrackID, mark: UInt8
    ) throws {
        let (scene, downlink) = try Self.scene()
        #expect(Self.shown(downlink) == 0)
        scene.worker.perform(.limitLayer(10, of: 1, to: LayerWish(track: layer)))
        scene.play(seconds: 1, through: [downlink])
        #expect(Self.shown(downlink) == mark)
        // Room to spare is no reason to leave what was wished for.
        let wished = downlink.media.count
        scene.play(seconds: 20, through: [downlink])
        #expect(downlink.media[wished...].allSatisfy { $0.mark == mark })
        scene.worker.perform(.limitLayer(10, of: 1, to: nil))
        scene.play(seconds: 12, through: [downlink])
        #expect(Self.shown(downlink) == 0)
    }

    @Test func `a wish is the most that a viewer gets: a narrow path gives less`() throws {
        let (scene, downlink) = try Self.scene()
        scene.worker.perform(.limitLayer(10, of: 1, to: LayerWish(track: 2)))
        scene.play(seconds: 1, through: [downlink])
        downlink.rate = 350_000
        scene.play(seconds: 10, through: [downlink])
        #expect(Self.shown(downlink) == 2)
        downlink.rate = 10e6
        scene.play(seconds: 30, through: [downlink])
        #expect(Self.shown(downlink) == 1)
    }

    @Test func `a wish stays with its layer when layers change places`() throws {
        let (scene, downlink) = try Self.scene()
        scene.worker.perform(.limitLayer(10, of: 1, to: LayerWish(track: 2)))
        scene.play(seconds: 2, through: [downlink])
        // The publisher turns its largest picture into the smallest.
        scene.packets = [1, 3, 8]
        scene.play(seconds: 10, through: [downlink])
        #expect(Self.shown(downlink) == 1)
    }

    @Test func `a wish for what is not there changes nothing`() throws {
        let (scene, downlink) = try Self.scene()
        scene.worker.perform(.limitLayer(10, of: 1, to: LayerWish(track: 99)))
        scene.worker.perform(.limitLayer(10, of: 99, to: LayerWish(track: 2)))
        scene.worker.perform(.limitLayer(99, of: 1, to: LayerWish(track: 2)))
        scene.play(seconds: 2, through: [downlink])
        #expect(Self.shown(downlink) == 0)
    }

    @Test func `a viewer's figures say where it is, what its path carries and what it is shown`() throws {
        let (scene, downlink) = try Self.scene(rate: 3e6)
        let reports = scene.worker.report(viewers: [99, 10, 1])
        // Neither a stranger nor the publisher is a viewer.
        #expect(reports.map(\.peer) == [10])
        let report = try #require(reports.first)
        #expect(report.address == downlink.viewer.address)
        #expect(report.pictures.map(\.track) == [1] && report.pictures.map(\.isPaused) == [false])
        #expect(report.estimate.map { $0.bitsPerSecond > 1e6 } == true)
        #expect(report.limitedBy != nil)
        downlink.rate = 80_000
        scene.play(seconds: 15, through: [downlink])
        #expect(scene.worker.report(viewers: [10]).first?.pictures.first?.isPaused == true)
    }
}
