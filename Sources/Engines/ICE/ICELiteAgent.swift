package import Primitives
import STUN

/// The gateway's side of ICE: it answers checks and never sends any (RFC 8445 §2.5, "lite").
///
/// The peer needs no candidate that we know: whatever address an authenticated check comes from is a way to it.
/// Memory is bounded: at most ``maximumValidatedAddresses`` addresses are remembered.
package struct ICELiteAgent: ~Copyable, Sendable {
    package typealias DropReason = ICEDropReason

    /// What to do about one datagram.
    package enum Action: Equatable, Sendable {
        /// Say nothing.
        case drop(DropReason)
        /// Send the bytes back to where the datagram came from.
        ///
        /// - `authenticated`: The sender knows our password. Always `true`, because nobody else is answered.
        /// - `selected`: Not `nil` when this very check chose or changed the address to send to.
        case respond([UInt8], authenticated: Bool, selected: TransportAddress?)
    }

    /// Our credentials; those that checks must carry.
    package let local: ICECredentials
    /// The peer's, which a lite agent needs only to tell an ICE restart from a repeated offer.
    package let remote: ICECredentials?
    package static let maximumValidatedAddresses = ValidatedPaths.capacity

    private let consentTimeout: Interval
    private var consentedAt: Instant
    private var paths = ValidatedPaths()

    /// An agent that waits for the peer's first check.
    ///
    /// - Parameters:
    ///   - local: The credentials of our offer or answer.
    ///   - remote: The peer's, if known.
    ///   - now: The peer has `consentTimeout` from here for its first check.
    ///   - consentTimeout: How long silence may last before we must stop sending (RFC 7675 §5.1).
    package init(
        local: ICECredentials,
        remote: ICECredentials?,
        createdAt now: Instant,
        consentTimeout: Interval = .seconds(30)
    ) {
        self.local = local
        self.remote = remote
        self.consentTimeout = consentTimeout
        consentedAt = now
    }

    /// The address to send to; `nil` before the first authenticated check.
    package var selectedAddress: TransportAddress? { paths.selectedAddress }

    /// Whether an authenticated Binding request has come from `address`.
    ///
    /// - Complexity: O(1), a search of at most ``maximumValidatedAddresses``; never allocates.
    package func isValidated(_ address: TransportAddress) -> Bool { paths.contains(address) }

    // MARK: Inputs

    /// Handles one STUN datagram and says what to answer.
    package mutating func receive(
        _ datagram: Span<UInt8>,
        from source: TransportAddress,
        at now: Instant
    ) -> Action {
        // RFC 7675 §5.1: once consent is lost, only an ICE restart brings it back.
        guard !isExpired(at: now) else { return .drop(.consentExpired) }
        let request: BindingRequest
        do { request = try BindingRequest(datagram, local: local) } catch { return .drop(error) }
        let key = local.key
        if let refusal = request.unknownAttributes(key: key) {
            return .respond(refusal, authenticated: true, selected: nil)
        }
        // RFC 8445 §6.1.1: the full agent controls, the lite one never does. A peer that thinks otherwise is told
        // to switch, whatever the tie-breakers say.
        if case .controlled = request.role {
            return .respond(request.roleConflict(key: key), authenticated: true, selected: nil)
        }
        let moved = paths.noteCheck(
            from: source,
            priority: request.priority,
            nominates: request.nominates,
            at: now
        )
        if source == paths.selectedAddress { consentedAt = max(consentedAt, now) }
        let response = request.success(to: source, key: key)
        return .respond(response, authenticated: true, selected: moved ? source : nil)
    }

    /// Notes an SRTP or SRTCP packet that authenticated; from the selected address it renews consent.
    package mutating func noteAuthenticatedPacket(from source: TransportAddress, at now: Instant) {
        if paths.noteHeard(from: source, at: now) { consentedAt = max(consentedAt, now) }
    }

    // MARK: Consent

    /// When consent expires unless something is heard before; moves with every renewal.
    package var deadline: Instant? { consentedAt + consentTimeout }

    /// Whether sending must stop, and the session end.
    package func isExpired(at now: Instant) -> Bool { now >= consentedAt + consentTimeout }
}
