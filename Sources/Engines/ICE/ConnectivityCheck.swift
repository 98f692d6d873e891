import Primitives

/// A Binding request under way, with its retransmissions (RFC 8489 §6.2.1).
struct ConnectivityCheck: Sendable {
    /// How often a request is sent before it counts as unanswered (Rc).
    static let maximumTransmissions = 7
    /// How many initial timeouts the last transmission waits for its answer (Rm).
    static let lastWait: Int64 = 16

    let transactionID: [UInt8]
    /// Index into the check list.
    let pair: Int
    let datagram: [UInt8]
    /// Whether it carries USE-CANDIDATE.
    let nominates: Bool
    /// The role it claims; a role conflict is judged by this, not by the role of now.
    let role: ICEAgent.Role
    /// The first retransmission timeout; doubles every time.
    let initialTimeout: Interval

    private(set) var transmissions = 1
    /// When to send again or to give up.
    private(set) var nextAt: Instant
    /// A cancelled check is not sent again, but an answer to it still counts (RFC 8445 §7.3.1.4).
    var isCancelled = false

    init(
        transactionID: [UInt8],
        pair: Int,
        datagram: [UInt8],
        nominates: Bool,
        role: ICEAgent.Role,
        initialTimeout: Interval,
        sentAt now: Instant
    ) {
        self.transactionID = transactionID
        self.pair = pair
        self.datagram = datagram
        self.nominates = nominates
        self.role = role
        self.initialTimeout = initialTimeout
        nextAt = now + initialTimeout
    }

    enum Step: Equatable {
        case wait
        case retransmit
        case giveUp
    }

    /// Says what is due at `now`, and counts a retransmission as done.
    mutating func advance(to now: Instant) -> Step {
        guard now >= nextAt else { return .wait }
        guard !isCancelled, transmissions < Self.maximumTransmissions else { return .giveUp }
        transmissions += 1
        let factor = transmissions == Self.maximumTransmissions ? Self.lastWait : 1 << Int64(transmissions - 1)
        nextAt = now + Interval(nanoseconds: initialTimeout.nanoseconds &* factor)
        return .retransmit
    }
}
