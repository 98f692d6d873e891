import Primitives
import SFU
import TestSupport
import Testing

@Suite("Choice of layers")
struct LayerSelectorTests {
    private static let three = [150.0, 500, 1500].map { LayerSelector.Layer(bitrate: .kilobits($0)) }

    /// Runs the selector ten times a second and counts its changes of mind.
    private struct Run {
        var selector: LayerSelector
        var layers = LayerSelectorTests.three
        var now = Instant.zero
        var changes = 0

        init(layer: Int) {
            selector = LayerSelector(layer: layer, at: .zero)
        }

        @discardableResult
        mutating func step(
            _ seconds: Double, kilobits: Double?, wish: Int? = nil
        ) -> LayerSelector.Choice {
            for _ in 0..<Int(seconds * 10) {
                let before = selector.choice
                let choice = selector.choose(
                    among: layers, estimate: kilobits.map { .kilobits($0) }, wish: wish, at: now)
                if choice != before { changes += 1 }
                now = now + .milliseconds(100)
            }
            return selector.choice
        }
    }

    @Test func `without an estimate a viewer gets the best, or what it wishes`() {
        var run = Run(layer: 0)
        #expect(run.step(0.1, kilobits: nil) == .layer(2))
        #expect(run.step(0.1, kilobits: nil, wish: 1) == .layer(1))
    }

    @Test func `a little below the layer, down after a second`() {
        var run = Run(layer: 2)
        #expect(run.step(1, kilobits: 1200) == .layer(2))
        #expect(run.step(0.1, kilobits: 1200) == .layer(1))
    }

    @Test func `far below down at once, up after a second with room to spare`() {
        var run = Run(layer: 2)
        #expect(run.step(0.1, kilobits: 700) == .layer(1))
        #expect(run.step(20, kilobits: 1600) == .layer(1))
        #expect(run.step(0.9, kilobits: 2000) == .layer(1))
        #expect(run.step(3, kilobits: 2000) == .layer(2))
    }

    @Test func `an estimate that wavers about a layer's bitrate changes nothing`() {
        var run = Run(layer: 2)
        for _ in 0..<100 {
            run.step(0.2, kilobits: 1400)
            run.step(0.2, kilobits: 1700)
        }
        #expect(run.changes == 0)
    }

    @Test func `a layer that cannot be held is tried more and more rarely`() {
        var run = Run(layer: 1)
        // The path looks wide enough until the higher layer fills it.
        for _ in 0..<3000 {
            run.step(0.1, kilobits: run.selector.choice == .layer(2) ? 900 : 2000)
        }
        #expect((6...18).contains(run.changes))
    }

    @Test func `a picture that nearly fits is not taken away when there is no smaller one`() {
        var run = Run(layer: 0)
        #expect(run.step(60, kilobits: 110) == .layer(0))
        for _ in 0..<20 {
            run.step(2, kilobits: 60)
            run.step(0.2, kilobits: 140)
        }
        #expect(run.changes == 0)
    }

    @Test func `when not even the lowest layer comes near to fitting, the picture pauses, and comes back`() {
        var run = Run(layer: 0)
        #expect(run.step(2.9, kilobits: 60) == .layer(0))
        #expect(run.step(0.3, kilobits: 60) == .paused)
        #expect(run.step(5, kilobits: 160) == .paused)
        #expect(run.step(5, kilobits: 200) == .layer(0))
    }

    @Test func `a layer that the publisher has turned off is left, and not entered`() {
        var run = Run(layer: 2)
        run.layers[2].isActive = false
        #expect(run.step(0.1, kilobits: 5000) == .layer(1))
        #expect(run.step(10, kilobits: 5000) == .layer(1))
        run.layers[2].isActive = true
        #expect(run.step(10, kilobits: 5000) == .layer(2))
    }

    @Test func `a stream that has stopped altogether is left as it is`() {
        var run = Run(layer: 1)
        for index in run.layers.indices { run.layers[index].isActive = false }
        #expect(run.step(10, kilobits: 10) == .layer(1))
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `whatever the estimates, the choice is a layer that is there`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var run = Run(layer: 1)
        for _ in 0..<500 {
            for index in run.layers.indices {
                run.layers[index].isActive = .random(using: &generator)
                run.layers[index].bitrate = .kilobits(.random(in: 0...3000, using: &generator))
            }
            let estimate = Bool.random(using: &generator) ? Double.random(in: 0...4000, using: &generator) : nil
            let choice = run.step(0.1, kilobits: estimate, wish: [nil, 0, 1, 5].randomElement(using: &generator)!)
            if case .layer(let layer) = choice { #expect(run.layers.indices.contains(layer)) }
        }
    }
}
