/// What a credential can allow.
package enum Permission: String, Sendable, CaseIterable {
    case publish
    case play
    /// The API, `/metrics` and whatever else shows every stream.
    case admin
}
