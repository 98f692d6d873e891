/// A smaller size in which a stream's picture is also sent: one entry of `transcode.ladder`.
package struct LadderStep: Sendable, Equatable {
    /// Pixels of the picture's shorter side.
    package var height: Int
    /// Bits per second; `nil` for what suits the size.
    package var bitrate: Int?

    /// More sizes than that cost more than any viewer gains.
    static let maximumCount = 6
    private static let heights = 96...2_160
    private static let bitrates = 50_000...50_000_000

    package init(height: Int, bitrate: Int? = nil) {
        self.height = height
        self.bitrate = bitrate
    }

    /// Reads `480p`, or `480p@1200k` with a bitrate in kbit/s, or `720p@2M` in Mbit/s.
    init(parsing text: String) throws(InvalidValue) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts[0].hasSuffix("p"), let height = Int(parts[0].dropLast()), Self.heights.contains(height),
            height % 2 == 0
        else {
            throw InvalidValue(
                "`\(text)` is not a size of pictures",
                cure: "write its height, an even number from \(Self.heights.lowerBound) to \(Self.heights.upperBound), "
                    + "as in 480p or 480p@1200k"
            )
        }
        self.height = height
        guard parts.count == 2 else { return }
        let factors: [Character: Int] = ["k": 1_000, "M": 1_000_000]
        guard let factor = parts[1].last.flatMap({ factors[$0] }), let number = Int(parts[1].dropLast()),
            (0...100_000).contains(number), Self.bitrates.contains(number * factor)
        else {
            throw InvalidValue(
                "`\(text)` has no bitrate from 50k to 50M",
                cure: "write a whole number of kbit/s or Mbit/s, as in 480p@1200k or 1080p@5M"
            )
        }
        bitrate = number * factor
    }

    /// What ``init(parsing:)`` reads back.
    var text: String { "\(height)p" + (bitrate.map { "@\($0 / 1_000)k" } ?? "") }
}

extension ValueForm where Value == [LadderStep] {
    /// Sizes, each named once, in any order.
    static var ladder: ValueForm {
        let list = ValueForm.list(
            "picture sizes", of: { text throws(InvalidValue) in try LadderStep(parsing: text) }, format: { $0.text })
        return ValueForm(expected: list.expected) { text throws(InvalidValue) in
            let steps = try list.parse(text)
            guard steps.count <= LadderStep.maximumCount else {
                throw InvalidValue(
                    "the ladder has more than \(LadderStep.maximumCount) sizes", cure: "leave some of them out")
            }
            guard Set(steps.map(\.height)).count == steps.count else {
                throw InvalidValue("the ladder names a size twice", cure: "leave one of them out")
            }
            return steps
        } format: {
            list.format($0)
        }
    }
}
