/// A password, key or token that must never reach a log.
///
/// Its description is fixed, so that string interpolation and reflection show nothing.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The value itself, to be read only where it is used.
    package let revealed: String

    package init(_ value: String) {
        revealed = value
    }

    package var description: String { "<redacted>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
