/// What a credential can allow.
package enum Permission: String, Sendable, CaseIterable {
    case publish
    case play
    /// What `play` allows, and to take part in what has several publishers.
    case subscribe
    /// The API, `/metrics` and whatever else shows every stream.
    case admin
}
