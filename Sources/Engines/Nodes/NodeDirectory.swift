package import Primitives

/// How far a gateway knows of others.
package enum NodeDirectoryState: String, Sendable {
    /// There are no others.
    case alone
    case working
    /// What all share cannot be reached: what was last known counts, and this gateway goes on by itself.
    case degraded
}

/// Which gateways there are, and which of them has which stream.
///
/// No call waits longer than a second, and none fails: while what all share is away, answers are what this gateway knows by
/// itself. ``ClaimTable`` says what claims do.
package protocol NodeDirectory: Sendable {
    /// This gateway.
    var id: NodeID { get }
    var state: NodeDirectoryState { get }
    /// What gateways prove to each other that they belong together; `nil` until it is known.
    var secret: Secret? { get }

    /// Where a stream's publisher is; `nil` when nobody is known to publish it. It may be this gateway.
    func origin(of stream: StreamName) async -> StreamOrigin?
    /// The gateways that are alive, this one among them, by name.
    func nodes() async -> [NodeRecord]

    /// Asks for a stream before it is published here. Whoever is granted one must ``beat(_:draining:streams:)`` for it.
    func claim(_ request: ClaimRequest) async -> ClaimAnswer
    /// Gives a stream up whose publisher has gone, unless somebody else has it meanwhile.
    func release(_ stream: StreamName, epoch: UInt64) async
    /// Says what this gateway is doing, once a second.
    ///
    /// - Parameters:
    ///   - load: How busy it is.
    ///   - draining: Whether it takes no new sessions.
    ///   - streams: What is published here. What was claimed and is not among them is given up in time.
    /// - Returns: What became of each stream, in the same order.
    func beat(_ load: NodeLoad, draining: Bool, streams: [HeldStream]) async -> [ClaimAnswer]
    /// Takes this gateway and what it has out, when it ends.
    func leave() async
}
