package import Primitives

/// Decides which of a picture's encodings a viewer is sent, by what its path carries.
///
/// Down at once when the estimate is far below the layer, after a moment when it is a little below; up only after it has carried a higher one with room to
/// spare for a while. A layer that had to be left soon after it was entered is not tried again for twice as long as the
/// time before, so that a path on the edge between two layers does not make the picture flicker. When not even the lowest
/// layer comes near to fitting for some seconds, the picture is paused and the sound goes on.
package struct LayerSelector: Sendable {
    /// One encoding, as it stands.
    package struct Layer: Sendable {
        package var bitrate: Bitrate
        /// Whether packets of it arrive: publishers turn layers off that their own path cannot carry.
        package var isActive: Bool

        package init(bitrate: Bitrate, isActive: Bool = true) {
            self.bitrate = bitrate
            self.isActive = isActive
        }
    }

    /// What to send.
    package enum Choice: Equatable, Sendable {
        /// An index into the layers.
        case layer(Int)
        case paused
    }

    /// A layer is entered when the estimate is this much above its bitrate.
    package static let headroom = 1.15
    /// A viewer that has just joined is left alone for this long: its path is still being measured.
    package static let settling = Interval.seconds(1)
    /// A layer is left when the estimate stays below this part of its bitrate: bitrates and estimates waver.
    static let tolerance = 0.9
    /// A layer is left at once when the estimate is below this part of its bitrate.
    static let collapse = 0.7
    /// How long a higher layer must have fitted, or the present one not, before anything is done.
    static let patience = Interval.seconds(1)
    /// How long the estimate must have been far below the lowest layer before the picture is taken away.
    static let pausePatience = Interval.seconds(3)
    /// A layer left sooner than this after it was entered was a mistake.
    static let probation = Interval.seconds(10)
    /// The longest wait before a mistake is repeated.
    static let longestPatience = Interval.seconds(60)

    /// What is being sent.
    package private(set) var choice: Choice
    private var enteredAt: Instant
    /// Since when a higher layer than the chosen one fits.
    private var fitsSince: Instant?
    /// Since when the chosen layer does not fit.
    private var starvesSince: Instant?
    /// Since when the estimate has been far below the lowest layer.
    private var collapsedSince: Instant?
    private var waits = LayerSelector.patience

    /// A selector that begins with a layer.
    package init(layer: Int, at now: Instant) {
        choice = .layer(layer)
        enteredAt = now
    }

    /// Looks at the situation, several times a second.
    ///
    /// - Parameters:
    ///   - layers: From the lowest to the highest; not empty.
    ///   - estimate: What is left for the picture; `nil` when nothing is known against any layer.
    ///   - wish: The highest layer that the viewer wants, as an index; `nil` for the best.
    ///   - now: The time.
    /// - Returns: ``choice``, as it is from now on.
    package mutating func choose(
        among layers: [Layer], estimate: Bitrate?, wish: Int? = nil, at now: Instant
    ) -> Choice {
        let allowed = min(wish ?? .max, layers.count - 1)
        guard let highest = layers.indices.last(where: { $0 <= allowed && layers[$0].isActive }) else { return choice }
        guard let estimate else {
            enter(.layer(highest), at: now)
            return choice
        }
        let lowest = layers.firstIndex(where: \.isActive) ?? 0
        func highestFitting(_ factor: Double) -> Int? {
            layers.indices.last { $0 <= highest && layers[$0].isActive && layers[$0].bitrate * factor <= estimate }
        }
        switch choice {
        case .paused:
            resume(highestFitting(Self.headroom), at: now)
        case .layer(let current) where current > highest || !layers[min(current, layers.count - 1)].isActive:
            enter(.layer(highestFitting(1) ?? lowest), at: now)
        case .layer(let current) where layers[current].bitrate * Self.tolerance > estimate:
            fitsSince = nil
            let hasCollapsed = layers[current].bitrate * Self.collapse > estimate
            stepDown(from: current, to: highestFitting(1), lowest: lowest, hasCollapsed: hasCollapsed, at: now)
        case .layer(let current):
            starvesSince = nil
            collapsedSince = nil
            climb(from: current, to: highestFitting(Self.headroom), at: now)
        }
        return choice
    }

    /// What is being sent stands elsewhere among the layers by now.
    package mutating func relocate(to layer: Int) {
        if case .layer = choice { choice = .layer(layer) }
    }

    private mutating func stepDown(
        from current: Int, to fitting: Int?, lowest: Int, hasCollapsed: Bool, at now: Instant
    ) {
        let since = starvesSince ?? now
        starvesSince = since
        guard let target = fitting ?? (current > lowest ? lowest : nil) else {
            return starve(hasCollapsed: hasCollapsed, at: now)
        }
        // An estimate that dips for a moment is no reason to change anything.
        guard hasCollapsed || now - since >= Self.patience else { return }
        noteMistake(at: now)
        enter(.layer(target), at: now)
    }

    /// Nothing smaller is left: a picture that stutters now and then is better than none.
    private mutating func starve(hasCollapsed: Bool, at now: Instant) {
        guard hasCollapsed else { return collapsedSince = nil }
        let since = collapsedSince ?? now
        collapsedSince = since
        guard now - since >= Self.pausePatience else { return }
        noteMistake(at: now)
        enter(.paused, at: now)
    }

    private mutating func climb(from current: Int, to fitting: Int?, at now: Instant) {
        guard let fitting, fitting > current else { return fitsSince = nil }
        let since = fitsSince ?? now
        fitsSince = since
        guard now - since >= waits else { return }
        enter(.layer(fitting), at: now)
    }

    private mutating func resume(_ fitting: Int?, at now: Instant) {
        guard let fitting else { return fitsSince = nil }
        let since = fitsSince ?? now
        fitsSince = since
        guard now - since >= waits else { return }
        enter(.layer(fitting), at: now)
    }

    private mutating func noteMistake(at now: Instant) {
        waits = now - enteredAt < Self.probation ? min(waits * 2, Self.longestPatience) : Self.patience
    }

    private mutating func enter(_ new: Choice, at now: Instant) {
        fitsSince = nil
        starvesSince = nil
        collapsedSince = nil
        guard new != choice else { return }
        choice = new
        enteredAt = now
    }
}
