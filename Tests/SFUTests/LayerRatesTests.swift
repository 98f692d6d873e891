import Primitives
import SFU
import Testing

@Suite("Bitrates of layers inside a stream")
struct LayerRatesTests {
    /// Three spatial layers of 1, 3 and 8 parts, whose odd pictures are a temporal layer.
    private static func rates(seconds: Int = 4, spatial: Range<UInt8> = 0..<3) -> LayerRates {
        var rates = LayerRates()
        add(to: &rates, from: 0, seconds: seconds, spatial: spatial)
        return rates
    }

    private static func add(to rates: inout LayerRates, from start: Int, seconds: Int, spatial: Range<UInt8>) {
        for picture in (start * 30)..<((start + seconds) * 30) {
            let now = Instant.zero + Interval(ticks: Int64(picture), atRate: 30)
            for layer in spatial {
                let size = [100, 300, 800][Int(layer)]
                rates.add(size, of: PacketLayer(spatial: layer, temporal: UInt8(picture % 2)), at: now)
            }
        }
    }

    @Test func `a stream without layers costs nothing and has one step`() {
        var rates = LayerRates()
        for second in 0..<10 { rates.add(1000, of: .base, at: .zero + .seconds(Int64(second))) }
        #expect(!rates.isLayered)
        #expect(rates.steps() == [.none])
        #expect(rates.share(within: LayerLimit(spatial: 0, temporal: 0)) == 1)
    }

    @Test func `each limit has its share of the bits`() {
        let rates = Self.rates()
        #expect(rates.spatialCount == 3 && rates.temporalCount == 2)
        #expect(abs(rates.share(within: LayerLimit(spatial: 0, temporal: 7)) - 100.0 / 1200) < 0.02)
        #expect(abs(rates.share(within: LayerLimit(spatial: 1, temporal: 0)) - 200.0 / 1200) < 0.02)
        #expect(rates.share(within: .none) == 1)
    }

    @Test func `steps go from the least to everything, and the top one has no limit`() {
        let steps = Self.rates().steps()
        #expect(steps.map(\.spatial) == [0, 0, 1, 1, 7, 7])
        #expect(steps.map(\.temporal) == [0, 7, 0, 7, 0, 7])
        #expect(steps.last == LayerLimit.none)
    }

    @Test func `a wish takes away the steps above it`() {
        let rates = Self.rates()
        #expect(rates.steps(within: LayerLimit(spatial: 1)).map(\.spatial) == [0, 0, 1, 1])
        #expect(rates.steps(within: LayerLimit(temporal: 0)).map(\.temporal) == [0, 0, 0])
    }

    @Test func `a picture larger than the smallest keeps all temporal layers but one`() {
        var rates = LayerRates()
        for picture in 0..<120 {
            let layer = PacketLayer(spatial: UInt8(picture % 2), temporal: [0, 2, 1, 2][picture / 2 % 4])
            rates.add(500, of: layer, at: .zero + Interval(ticks: Int64(picture), atRate: 30))
        }
        #expect(rates.steps().map(\.temporal) == [0, 1, 7, 1, 7])
        #expect(rates.steps(isLowest: false).map(\.temporal) == [1, 7, 1, 7])
    }

    @Test func `a layer that is turned off is not active, and comes back`() {
        var rates = Self.rates()
        #expect(rates.isActive(.none))
        Self.add(to: &rates, from: 4, seconds: 3, spatial: 0..<2)
        #expect(!rates.isActive(.none))
        #expect(rates.isActive(LayerLimit(spatial: 1)))
        Self.add(to: &rates, from: 7, seconds: 3, spatial: 0..<3)
        #expect(rates.isActive(.none))
    }
}
