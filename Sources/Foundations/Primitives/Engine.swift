/// What every composite engine offers its driver, and nothing more.
///
/// An engine holds no socket, clock, lock, task or log. Inputs are ordinary methods that take
/// `at now: Instant`; what must happen in the world comes out of ``nextOutput()``.
package protocol Engine: ~Copyable {
    associatedtype Output
    /// Runs everything that is due at `now`. Earlier instants than the last one seen are ignored.
    mutating func advance(to now: Instant)
    /// The next thing the driver must do, in order; `nil` when drained.
    mutating func nextOutput() -> Output?
    /// When to call ``advance(to:)`` if nothing else happens first; `nil` means never.
    var deadline: Instant? { get }
}

/// Owns an engine so that nobody can mutate it and forget to drain it.
package struct Driven<E: Engine & ~Copyable>: ~Copyable {
    private var engine: E

    package init(_ engine: consuming E) {
        self.engine = engine
    }

    /// When the engine next wants to be advanced; `nil` means never.
    package var deadline: Instant? { engine.deadline }

    /// Applies one input and hands every output it caused to `emit`, in order.
    package mutating func apply<Result, Failure: Error>(
        _ mutation: (inout E) throws(Failure) -> Result, emit: (E.Output) -> Void
    ) throws(Failure) -> Result {
        defer { while let output = engine.nextOutput() { emit(output) } }
        return try mutation(&engine)
    }
}
