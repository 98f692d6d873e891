/// Which part of the packets sent the feedback speaks of at all: feedback gets lost too, and is not repeated.
package struct FeedbackCoverage: Sendable {
    /// Weight of the newest feedback.
    private static let weight = 0.1
    /// However much is missing, what arrives is not taken for more than this multiple of what is known to.
    private static let least = 0.5

    private var next: UInt16?
    /// 0.5 to 1, averaged.
    package private(set) var part = 1.0

    package init() {}

    /// Notes one feedback: the first number that it speaks of, and how many.
    package mutating func receive(base: UInt16, count: UInt16) {
        defer { next = base &+ count }
        guard let next, count > 0 else { return }
        let gap = Int16(bitPattern: base &- next)
        let covered = gap > 0 ? Double(count) / (Double(count) + Double(gap)) : 1
        part = max(part + (covered - part) * Self.weight, Self.least)
    }
}
