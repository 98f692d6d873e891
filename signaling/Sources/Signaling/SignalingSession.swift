package import Primitives

/// Why the gateway ends a connection, as the code of WebSocket's close frame (RFC 6455 section 7.4.2).
package enum SignalingEnd: UInt16, Sendable, CaseIterable {
    /// The gateway goes away.
    case goingAway = 1001
    /// Too many messages that cannot be taken.
    case misbehaved = 4400
    case credentialRefused = 4401
    /// Sent away, or the room was closed.
    case dismissed = 4403
    /// Nothing was heard for too long.
    case silent = 4408
    /// Another connection has taken the place.
    case superseded = 4409
}

/// One client's connection: what it may say when, and how long it may be silent.
///
/// The driver hands over what arrives, does what the answer says, and calls ``advance(to:)`` at ``deadline``.
package struct SignalingSession: ~Copyable {
    private enum State {
        case awaitingAuthentication(until: Instant)
        case authenticating
        case open
        case ended
    }

    package enum Action: Sendable, Equatable {
        /// Check who it is, and call ``authenticated(at:)``, or end the connection.
        case authenticate(id: UInt64?, ClientMessage.Authentication)
        case perform(ClientRequest)
        case tell(BinaryMessage)
        case reply(ServerMessage)
        /// Send a ping of WebSocket.
        case ping
        /// Send the error, if there is one, and close.
        case end(SignalingEnd, SignalingError?)
    }

    /// For the first message.
    package static let authenticationPatience = Interval.seconds(5)
    /// Without a message, a ping or a pong.
    package static let silencePatience = Interval.seconds(45)
    static let pingInterval = Interval.seconds(15)
    /// Messages of all kinds within a second; those to others have limits of their own.
    package static let messagesPerSecond = 100
    /// Messages within a minute that cannot be taken.
    package static let mistakesPerMinute = 20

    private var state: State
    private var lastHeard: Instant
    private var nextPing: Instant
    private var messages: (since: Instant, count: Int)
    private var mistakes: (since: Instant, count: Int)

    package init(at now: Instant) {
        state = .awaitingAuthentication(until: now + Self.authenticationPatience)
        lastHeard = now
        nextPing = now + Self.pingInterval
        messages = (now, 0)
        mistakes = (now, 0)
    }

    package var deadline: Instant? {
        switch state {
        case .awaitingAuthentication(let end): min(end, nextPing)
        case .authenticating, .open: min(nextPing, lastHeard + Self.silencePatience)
        case .ended: nil
        }
    }

    /// Something arrived that says nothing, such as a pong.
    package mutating func heard(at now: Instant) {
        lastHeard = max(lastHeard, now)
    }

    /// A text frame.
    package mutating func receive(text bytes: Span<UInt8>, at now: Instant) -> Action {
        heard(at: now)
        if let refusal = refuseFlood(at: now) { return refusal }
        let request: ClientRequest
        do throws(RejectedMessage) {
            request = try ClientRequest(parsing: bytes)
        } catch {
            return mistake(error.error, id: error.id, at: now)
        }
        switch (state, request.message) {
        case (.awaitingAuthentication, .authenticate(let authentication)):
            state = .authenticating
            return .authenticate(id: request.id, authentication)
        case (.awaitingAuthentication, _):
            return end(.credentialRefused, SignalingError(.notAuthenticated, "The first message is not authenticate."))
        case (.authenticating, _), (.open, .authenticate):
            return mistake(
                SignalingError(.alreadyAuthenticated, "This connection has been authenticated."), id: request.id,
                at: now)
        case (.open, .ping): return .reply(.pong(id: request.id))
        case (.open, _): return .perform(request)
        case (.ended, _): return .end(.misbehaved, nil)
        }
    }

    /// A binary frame.
    package mutating func receive(binary bytes: Span<UInt8>, at now: Instant) -> Action {
        heard(at: now)
        if let refusal = refuseFlood(at: now) { return refusal }
        guard case .open = state else {
            return end(.credentialRefused, SignalingError(.notAuthenticated, "The first message is not authenticate."))
        }
        do throws(SignalingError) {
            return .tell(try BinaryMessage(parsing: bytes))
        } catch {
            return mistake(error, id: nil, at: now)
        }
    }

    /// The client is who it says it is.
    package mutating func authenticated(at now: Instant) {
        guard case .authenticating = state else { return }
        state = .open
        heard(at: now)
    }

    /// What is due; `nil` when nothing is.
    package mutating func advance(to now: Instant) -> Action? {
        switch state {
        case .awaitingAuthentication(let end) where now >= end:
            return self.end(
                .credentialRefused,
                SignalingError(.authenticationTimeout, "The first message did not come within 5 seconds."))
        case .authenticating where now >= lastHeard + Self.silencePatience,
            .open where now >= lastHeard + Self.silencePatience:
            return end(.silent, nil)
        case .ended: return nil
        default: break
        }
        guard now >= nextPing else { return nil }
        nextPing = now + Self.pingInterval
        return .ping
    }

    private mutating func end(_ end: SignalingEnd, _ error: SignalingError?) -> Action {
        state = .ended
        return .end(end, error)
    }

    private mutating func refuseFlood(at now: Instant) -> Action? {
        if now >= messages.since + .seconds(1) { messages = (now, 0) }
        messages.count += 1
        guard messages.count > Self.messagesPerSecond else { return nil }
        return mistake(SignalingError(.rateLimited, "These are too many messages."), id: nil, at: now)
    }

    private mutating func mistake(_ error: SignalingError, id: UInt64?, at now: Instant) -> Action {
        if now >= mistakes.since + .seconds(60) { mistakes = (now, 0) }
        mistakes.count += 1
        // Before it has said who it is, nobody has patience with a client.
        if case .awaitingAuthentication = state { return end(.misbehaved, error) }
        return mistakes.count > Self.mistakesPerMinute ? end(.misbehaved, error) : .reply(.error(id: id, error))
    }
}
