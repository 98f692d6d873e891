package import Primitives

/// A full ICE agent for one component (RFC 8445), as our own clients use it.
///
/// It pairs candidates, checks the pairs at the pace of Ta, nominates one when it controls ("regular" nomination),
/// and then keeps consent fresh. The peer may be lite, may trickle its candidates, and may show up at addresses
/// that it never told (peer-reflexive candidates).
///
/// ```
///              answer to a check              answer to USE-CANDIDATE
///   checking ---------------------> nominating -----------------------> connected
///      ^  |                          |     (the controlled agent goes     |
///      |  | connectTimeout           |      straight to connected)        | 30 s without consent
///      |  v                          |                                    v
///      |  failed(.noPairWorked)      +--- role lost, check failed     failed(.consentLost)
///      +-----------------------------+
/// ```
///
/// `failed` is final: a new session needs a new agent.
package struct ICEAgent: ~Copyable, Engine, Sendable {
    /// Who picks the pair.
    package enum Role: Sendable {
        case controlling
        case controlled

        var opposite: Role { self == .controlling ? .controlled : .controlling }
    }

    /// The two ends of a path.
    package struct Path: Hashable, Sendable {
        /// Our socket's address.
        package let local: TransportAddress
        package let remote: TransportAddress

        package init(local: TransportAddress, remote: TransportAddress) {
            self.local = local
            self.remote = remote
        }
    }

    package enum Failure: Equatable, Sendable {
        /// No pair was selected within ``Configuration/connectTimeout``.
        case noPairWorked
        /// The peer stopped answering for 30 s (RFC 7675 §5.1).
        case consentLost
    }

    package enum Event: Equatable, Sendable {
        /// A path was selected, or another than before.
        case selected(Path)
        /// Nothing may be sent any more.
        case failed(Failure)
    }

    package enum Output: Equatable, Sendable {
        /// Send `datagram` from the socket bound to `path.local`.
        case transmit([UInt8], path: Path)
        case event(Event)
    }

    /// The times that may be chosen; the defaults are the RFC's.
    package struct Configuration: Sendable {
        /// Time between two new checks (Ta, RFC 8445 §14.2).
        package var pacing = Interval.milliseconds(50)
        /// The least time to wait before a check is sent again (RTO, RFC 8445 §14.3).
        package var minimumRetransmissionTimeout = Interval.milliseconds(500)
        /// How long a controlling agent that has a valid pair hopes for a better one.
        package var nominationPatience = Interval.milliseconds(200)
        /// How long to try before giving up, counted from the creation of the agent.
        package var connectTimeout = Interval.seconds(30)

        package init() {}
    }

    enum Phase: Sendable {
        /// `firstValidAt`: when the first check was answered.
        case checking(firstValidAt: Instant?)
        /// A check with USE-CANDIDATE is under way on this pair.
        case nominating(pair: Int)
        case connected(pair: Int, consent: ConsentFreshness)
        case failed(Failure)
    }

    package let local: ICECredentials
    package private(set) var remote: ICECredentials?
    /// Whether the peer only answers; it is then always controlled (RFC 8445 §6.1.1).
    package private(set) var remoteIsLite: Bool
    package internal(set) var role: Role
    let configuration: Configuration
    var tieBreaker: UInt64
    var checkList = CheckList()
    var checks: [ConnectivityCheck] = []
    var phase = Phase.checking(firstValidAt: nil)
    /// When the next new check may be sent.
    var nextCheckAt: Instant
    private let giveUpAt: Instant
    var generator: any RandomNumberGenerator & Sendable
    private var outputs: [Output] = []

    /// An agent that waits for candidates.
    ///
    /// - Parameters:
    ///   - role: The offerer controls, unless it is lite (RFC 8445 §6.1.1).
    ///   - local: Our credentials, as signaled.
    ///   - remote: The peer's; `nil` until its answer is there, see ``setRemote(_:isLite:at:)``.
    ///   - remoteIsLite: Whether the peer said `a=ice-lite`.
    ///   - localCandidates: Our host candidates: one for each socket.
    ///   - now: The connect timeout counts from here.
    ///   - configuration: Times.
    ///   - generator: For transaction IDs, the tie-breaker and jitter: the system's, outside tests.
    package init(
        role: Role,
        local: ICECredentials,
        remote: ICECredentials? = nil,
        remoteIsLite: Bool = false,
        localCandidates: [ICECandidate],
        createdAt now: Instant,
        configuration: Configuration = Configuration(),
        generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.role = remoteIsLite ? .controlling : role
        self.local = local
        self.remote = remote
        self.remoteIsLite = remoteIsLite
        self.configuration = configuration
        self.generator = generator
        tieBreaker = self.generator.next()
        nextCheckAt = now
        giveUpAt = now + configuration.connectTimeout
        for candidate in localCandidates { checkList.addLocal(candidate) }
    }

    // MARK: Getters

    /// The path to send on; `nil` before one is selected and after failure.
    package var selectedPath: Path? {
        guard case .connected(let pair, _) = phase else { return nil }
        return path(of: pair)
    }

    package var hasFailed: Bool {
        if case .failed = phase { true } else { false }
    }

    package var deadline: Instant? {
        switch phase {
        case .failed: return nil
        case .connected(_, let consent): return consent.deadline
        case .checking, .nominating: break
        }
        var deadline = giveUpAt
        for check in checks { deadline = min(deadline, check.nextAt) }
        if remote != nil, checkList.hasWork { deadline = min(deadline, nextCheckAt) }
        if let nominationAt { deadline = min(deadline, nominationAt) }
        return deadline
    }

    // MARK: Inputs

    /// Tells the agent the peer's credentials; they cannot be replaced afterwards.
    package mutating func setRemote(_ credentials: ICECredentials, isLite: Bool, at now: Instant) {
        guard remote == nil else { return }
        remote = credentials
        remoteIsLite = isLite
        if isLite { role = .controlling }
        advance(to: now)
    }

    /// Adds a candidate of the peer's.
    ///
    /// Those that no packet can be sent to, and those above a bound, are ignored.
    package mutating func addRemoteCandidate(_ candidate: ICECandidate, at now: Instant) {
        checkList.addRemote(candidate)
        advance(to: now)
    }

    package mutating func advance(to now: Instant) {
        advanceConsent(to: now)
        switch phase {
        case .connected, .failed:
            return
        case .checking, .nominating:
            guard now < giveUpAt else { return fail(.noPairWorked) }
            retransmitChecks(at: now)
            nominateIfReady(at: now)
            startCheckIfDue(at: now)
        }
    }

    package mutating func nextOutput() -> Output? {
        outputs.isEmpty ? nil : outputs.removeFirst()
    }

    // MARK: Outputs

    func path(of pair: Int) -> Path {
        Path(local: checkList.pairs[pair].localAddress, remote: checkList.pairs[pair].remoteAddress)
    }

    mutating func transmit(_ datagram: [UInt8], path: Path) {
        outputs.append(.transmit(datagram, path: path))
    }

    /// Ends the search, or moves on to a better pair that the peer has nominated.
    mutating func select(_ pair: Int, at now: Instant) {
        phase = .connected(pair: pair, consent: ConsentFreshness(grantedAt: now, using: &generator))
        // RFC 8445 §8.1.2: once a pair is selected, all other checks stop.
        checks = []
        outputs.append(.event(.selected(path(of: pair))))
    }

    mutating func fail(_ failure: Failure) {
        phase = .failed(failure)
        checks = []
        outputs.append(.event(.failed(failure)))
    }
}
