/// Text that is not a value of its key: why, and what to write instead.
struct InvalidValue: Error, Equatable {
    var reason: String
    var cure: String

    init(_ reason: String, cure: String) {
        self.reason = reason
        self.cure = cure
    }
}
