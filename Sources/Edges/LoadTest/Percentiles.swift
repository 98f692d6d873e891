/// Figures of which the largest matter: kept up to a number, and sorted when asked.
package struct Percentiles: Sendable {
    /// Of more, every second is forgotten, then every fourth, and so on.
    package static let maximumCount = 200_000

    private var values: [Double] = []
    private var stride = 1
    private var skipped = 0
    package private(set) var count = 0

    package init() {}

    package mutating func add(_ value: Double) {
        count += 1
        skipped += 1
        guard skipped >= stride else { return }
        skipped = 0
        values.append(value)
        guard values.count >= Self.maximumCount else { return }
        values = values.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        stride *= 2
    }

    /// The value that `percent` of all do not exceed; `nil` when there is none.
    package func value(_ percent: Double) -> Double? {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return nil }
        let rank = (percent / 100 * Double(sorted.count)).rounded(.up)
        return sorted[min(max(Int(rank) - 1, 0), sorted.count - 1)]
    }
}
