/// Why bytes from the network are not the structure they claim to be.
package enum ParseError: Error, Equatable, Sendable {
    /// The input ended early: `needed` bytes from `offset`, `available` left.
    case truncated(needed: Int, available: Int, offset: Int)
    /// A field holds a value that the format forbids. `field` is a constant of ours, never input.
    case invalid(field: StaticString)
    /// More of something than we are willing to hold. `what` is a constant of ours, never input.
    case limitExceeded(what: StaticString)

    package static func == (left: ParseError, right: ParseError) -> Bool {
        switch (left, right) {
        case (.truncated(let a, let b, let c), .truncated(let d, let e, let f)): a == d && b == e && c == f
        case (.invalid(let a), .invalid(let b)): a.description == b.description
        case (.limitExceeded(let a), .limitExceeded(let b)): a.description == b.description
        default: false
        }
    }
}
