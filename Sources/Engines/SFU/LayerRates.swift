package import Primitives

/// How many bits each layer of one stream has, and which layers there are.
///
/// Costs nothing before the first packet of a higher layer, and a few additions for each packet after it.
package struct LayerRates: Sendable {
    private static let window = Interval.seconds(1)
    /// Eight spatial layers of eight temporal layers each.
    private static let places = 64

    /// Bytes of the window under way, and bits per second, both by spatial and then temporal layer.
    private var bytes: [Int] = []
    private var rates: [Double] = []
    private var windowStart = Instant.zero
    /// Layers of each kind that the stream has had; 1 and 1 until a whole window has been measured.
    package private(set) var spatialCount = 1
    package private(set) var temporalCount = 1
    /// Grows whenever the stream turns out to have more layers.
    package private(set) var revision = 0

    package init() {}

    /// Whether there is anything to choose from.
    package var isLayered: Bool { spatialCount > 1 || temporalCount > 1 }

    /// Counts a packet of `size` bytes.
    @inline(__always)
    package mutating func add(_ size: Int, of layer: PacketLayer, at now: Instant) {
        if bytes.isEmpty, layer.spatial == 0, layer.temporal == 0 { return }
        count(size, of: layer, at: now)
    }

    private mutating func count(_ size: Int, of layer: PacketLayer, at now: Instant) {
        if bytes.isEmpty {
            bytes = Array(repeating: 0, count: Self.places)
            rates = Array(repeating: 0, count: Self.places)
            windowStart = now
        }
        if now - windowStart >= Self.window { closeWindow(at: now) }
        bytes[Self.place(layer.spatial, layer.temporal)] += size
    }

    private mutating func closeWindow(at now: Instant) {
        let seconds = (now - windowStart).seconds
        for place in 0..<Self.places {
            let rate = Double(bytes[place]) * 8 / seconds
            // A layer without packets has been turned off; half of the past evens out the others.
            rates[place] = rate == 0 || rates[place] == 0 ? rate : (rate + rates[place]) / 2
            bytes[place] = 0
            guard rate > 0 else { continue }
            if place / 8 >= spatialCount || place % 8 >= temporalCount { revision += 1 }
            spatialCount = max(spatialCount, place / 8 + 1)
            temporalCount = max(temporalCount, place % 8 + 1)
        }
        windowStart = now
    }

    private static func place(_ spatial: UInt8, _ temporal: UInt8) -> Int { Int(spatial & 7) * 8 + Int(temporal & 7) }

    /// The part of the stream's bits that a viewer with this limit is sent, 0...1; 1 while nothing is known.
    package func share(within limit: LayerLimit) -> Double {
        var some = 0.0
        var all = 0.0
        for place in rates.indices {
            all += rates[place]
            if place / 8 <= Int(limit.spatial), place % 8 <= Int(limit.temporal) { some += rates[place] }
        }
        return all > 0 ? some / all : 1
    }

    /// Whether the publisher sends the layer that a limit names.
    package func isActive(_ limit: LayerLimit) -> Bool {
        guard isLayered else { return true }
        let spatial = min(Int(limit.spatial), spatialCount - 1)
        let temporal = min(Int(limit.temporal), temporalCount - 1)
        return rates[spatial * 8 + temporal] > 0
    }

    /// What viewers of this stream can be sent, from the least to everything.
    ///
    /// Of a picture that is larger than the smallest, at most one temporal layer is left out: a smaller picture at the full rate
    /// is better than a large one at a quarter of it. Limits at the top are ``LayerLimit/none`` there, so that they still are
    /// when the stream gets more layers.
    ///
    /// - Parameters:
    ///   - wish: What the viewer wants at most.
    ///   - isLowest: Whether no smaller picture exists as a stream of its own.
    /// - Returns: At least one step, and at most 22.
    package func steps(within wish: LayerLimit = .none, isLowest: Bool = true) -> [LayerLimit] {
        let spatialTop = min(spatialCount - 1, Int(wish.spatial))
        let temporalTop = min(temporalCount - 1, Int(wish.temporal))
        var steps: [LayerLimit] = []
        for spatial in 0...spatialTop {
            let lowest = spatial == 0 && isLowest ? 0 : max(temporalTop - 1, 0)
            for temporal in lowest...temporalTop {
                steps.append(normalized(LayerLimit(spatial: UInt8(spatial), temporal: UInt8(temporal))))
            }
        }
        return steps
    }

    /// The limit that admits the same, as ``steps(within:isLowest:)`` names it.
    package func normalized(_ limit: LayerLimit) -> LayerLimit {
        LayerLimit(
            spatial: Int(limit.spatial) >= spatialCount - 1 ? 7 : limit.spatial,
            temporal: Int(limit.temporal) >= temporalCount - 1 ? 7 : limit.temporal)
    }
}
