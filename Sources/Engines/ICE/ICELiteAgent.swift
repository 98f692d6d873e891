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

    /// Why a session that lost consent, or never had it, is where it is.
    package enum Lack: Equatable, Sendable {
        /// Nothing ever named us: the peer's checks do not get here, or it makes none.
        case checks
        /// Checks came, but none proved that its sender knows the password.
        case authenticity
        /// The peer fell silent.
        case consent
    }

    /// A restart that the peer has been told of and has not made use of yet.
    private struct Restart {
        let local: ICECredentials
        let remote: ICECredentials
        let requestedAt: Instant
    }

    /// Our credentials; those that checks must carry.
    package private(set) var local: ICECredentials
    /// The peer's, which a lite agent needs only to tell an ICE restart from a repeated offer.
    package private(set) var remote: ICECredentials?
    package static let maximumValidatedAddresses = ValidatedPaths.capacity

    private let consentTimeout: Interval
    private var consentedAt: Instant
    private var paths = ValidatedPaths()
    private var pendingRestart: Restart?
    private var retired: String?
    private var hasBeenAsked = false
    private var hasBeenProven = false

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

    /// The fragments that USERNAME may begin with: ours, and that of a restart that waits.
    package var usernameFragments: [String] {
        [local.usernameFragment] + (pendingRestart.map { [$0.local.usernameFragment] } ?? [])
    }

    /// Whether the selected path, if there is one, was nominated by the peer, rather than merely the first that worked.
    package var isNominated: Bool { paths.isNominated }

    /// What is missing, of a session that has ended by ``isOver(at:)``.
    package var lack: Lack { hasBeenProven ? .consent : hasBeenAsked ? .authenticity : .checks }

    // MARK: Restarts

    /// Takes new credentials beside those in use, for an ICE restart (RFC 8445 §9).
    ///
    /// The old ones stay valid until a check with the new ones authenticates, so that a restart that comes to nothing
    /// costs nothing. A restart that waits already is replaced. From `now` the peer has the time of one consent for its
    /// first check, also when it has lost consent.
    ///
    /// - Returns: The fragment of the restart that this one replaces.
    package mutating func restart(local: ICECredentials, remote: ICECredentials, at now: Instant) -> String? {
        defer { pendingRestart = Restart(local: local, remote: remote, requestedAt: now) }
        return pendingRestart?.local.usernameFragment
    }

    /// Our fragment of before a restart that has just been made use of; `nil` on the next call.
    package mutating func takeRetiredFragment() -> String? {
        defer { retired = nil }
        return retired
    }

    private mutating func adopt(_ restart: Restart, at now: Instant) {
        // RFC 7675 §5.1: a restart brings consent back, but only to the paths that prove themselves anew.
        if isExpired(at: now) { paths = ValidatedPaths() }
        paths.beginGeneration()
        retired = local.usernameFragment
        local = restart.local
        remote = restart.remote
        pendingRestart = nil
        consentedAt = max(consentedAt, now)
    }

    // MARK: Inputs

    /// Handles one STUN datagram and says what to answer.
    package mutating func receive(
        _ datagram: Span<UInt8>,
        from source: TransportAddress,
        at now: Instant
    ) -> Action {
        hasBeenAsked = true
        let (request, restart): (BindingRequest, Restart?)
        do { (request, restart) = try authenticate(datagram) } catch { return .drop(error) }
        if let restart {
            adopt(restart, at: now)
        } else if isExpired(at: now) {
            // RFC 7675 §5.1: once consent is lost, only an ICE restart brings it back.
            return .drop(.consentExpired)
        }
        let key = local.key
        if let refusal = request.unknownAttributes(key: key) {
            return .respond(refusal, authenticated: true, selected: nil)
        }
        // RFC 8445 §6.1.1: the full agent controls, the lite one never does. A peer that thinks otherwise is told
        // to switch, whatever the tie-breakers say.
        if case .controlled = request.role {
            return .respond(request.roleConflict(key: key), authenticated: true, selected: nil)
        }
        hasBeenProven = true
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

    /// Authenticates a check by the credentials of a restart that waits, or by those in use.
    private func authenticate(_ datagram: Span<UInt8>) throws(ICEDropReason) -> (BindingRequest, Restart?) {
        guard let message = try? STUNMessage.parse(datagram) else { throw .malformed }
        if let pendingRestart {
            do throws(ICEDropReason) {
                return (try BindingRequest(message, in: datagram, local: pendingRestart.local), pendingRestart)
            } catch {
                guard error == .unknownUsername else { throw error }
            }
        }
        return (try BindingRequest(message, in: datagram, local: local), nil)
    }

    /// Notes an SRTP or SRTCP packet that authenticated; from the selected address it renews consent.
    ///
    /// - Returns: Not `nil` when the packet showed that the peer has moved to another address that it had validated.
    package mutating func noteAuthenticatedPacket(from source: TransportAddress, at now: Instant) -> TransportAddress? {
        let moved = paths.noteHeard(from: source, at: now)
        if source == paths.selectedAddress { consentedAt = max(consentedAt, now) }
        return moved ? source : nil
    }

    /// Forgets an address that nothing can come from any more.
    package mutating func forget(_ address: TransportAddress) {
        paths.forget(address)
    }

    // MARK: Consent

    /// When consent expires unless something is heard before; moves with every renewal.
    package var deadline: Instant? { consentedAt + consentTimeout }

    /// Whether sending must stop.
    package func isExpired(at now: Instant) -> Bool { now >= consentedAt + consentTimeout }

    /// Whether the session must end: consent is lost, and no restart can bring it back.
    package func isOver(at now: Instant) -> Bool {
        let restartedAt = pendingRestart.map { max($0.requestedAt, consentedAt) } ?? consentedAt
        return now >= restartedAt + consentTimeout
    }
}
