package import Primitives
package import Rooms
package import Signaling

/// One client's connection, between what carries its messages and the rooms.
///
/// What arrives is handed to ``receive(text:)`` and ``receive(binary:)``. What is to leave comes out of ``nextOutput()``, one at a
/// time as the connection takes it; events wait in their room meanwhile, answers here, and no more than ``maximumAnswers``.
package actor SignalingClient {
    package enum Output: Sendable, Equatable {
        case text(String)
        case binary([UInt8])
        case ping
        /// The last one.
        case close(SignalingEnd)
    }

    /// Answers that a client has not read yet; with more it is disconnected.
    static let maximumAnswers = 64
    private static let closingPatience = Interval.seconds(5)

    private let store: any RoomStore
    /// `nil` where rooms are for talk alone.
    private let media: RoomMediaDesk?
    private let gate: SignalingGate
    private let resumeSeconds: Int
    private let now: @Sendable () -> Instant
    private let unixSeconds: @Sendable () -> Int64
    private let isDraining: @Sendable () -> Bool
    private let destination: @Sendable (String) async -> String?
    private let wake: @Sendable () -> Void
    private let onRefusal: @Sendable (String) -> Void

    private var session: SignalingSession
    private var token: Secret?
    private var admission: SignalingGate.Admission?
    private var place: RoomDirectory.Place?
    private var room: RoomName?
    /// A place that did not look like this connection's at the last look.
    private var doubted: RoomDirectory.Place?
    private var answers: [Output] = []
    private var takenAnswers = 0
    /// Whether it is to be closed, or was closed: nothing is taken from it any more.
    package private(set) var isClosing = false
    /// When the last answer was put in the queue.
    private var closingSince: Instant?
    private var hasToldMigrate = false

    /// - Parameters:
    ///   - store: The rooms.
    ///   - media: What carries tracks; `nil` where rooms are for talk alone.
    ///   - gate: Who may do what.
    ///   - resumeWindow: How long the store keeps places.
    ///   - now: The time.
    ///   - unixSeconds: The time by which tokens end.
    ///   - isDraining: Whether the gateway is going away.
    ///   - destination: Where those of a room go then, by its name: the address of another gateway.
    ///   - wake: Called without waiting when ``nextOutput()`` has something.
    ///   - onRefusal: Told the code of each error, for the metrics.
    package init(
        store: any RoomStore, media: RoomMediaDesk? = nil, gate: SignalingGate, resumeWindow: Interval,
        now: @escaping @Sendable () -> Instant,
        unixSeconds: @escaping @Sendable () -> Int64, isDraining: @escaping @Sendable () -> Bool,
        destination: @escaping @Sendable (String) async -> String? = { _ in nil },
        wake: @escaping @Sendable () -> Void, onRefusal: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.onRefusal = onRefusal
        self.store = store
        self.media = media
        self.gate = gate
        resumeSeconds = max(Int(resumeWindow.seconds), 1)
        self.now = now
        self.unixSeconds = unixSeconds
        self.isDraining = isDraining
        self.destination = destination
        self.wake = wake
        session = SignalingSession(at: now())
    }

    // MARK: In

    package func receive(text: [UInt8]) async {
        await perform(session.receive(text: text.span, at: now()))
    }

    package func receive(binary: [UInt8]) async {
        await perform(session.receive(binary: binary.span, at: now()))
    }

    /// A pong, or a ping.
    package func heard() { session.heard(at: now()) }

    /// Looks at what has to do with time; call it about once a second.
    package func tick() async {
        while let action = session.advance(to: now()) { await perform(action) }
        if let admission, admission.isOver(at: unixSeconds()) {
            await leave(.credential)
            end(.dismissed, SignalingError(.credentialRefused, "The token has expired or was revoked."))
        }
        if isDraining() { await tellMigrate() }
        await doubtPlace()
    }

    /// Ends the connection when another one has its place.
    ///
    /// At the second look only: a farewell may be on its way out.
    private func doubtPlace() async {
        guard let place, await !store.isCurrent(place.connection, of: place.participant), self.place == place else {
            doubted = nil
            return
        }
        guard doubted == place else {
            doubted = place
            return
        }
        forgetPlace()
        end(.superseded, nil)
    }

    /// The gateway goes away.
    package func goAway() async {
        await tellMigrate()
        end(.goingAway, nil)
    }

    /// The connection is gone.
    package func disconnected() async {
        isClosing = true
        guard let place else { return }
        forgetPlace()
        await store.disconnect(place.participant, connection: place.connection)
    }

    /// Whether the last message has waited for too long, because nobody reads it.
    package var isOverdue: Bool { closingSince.map { now() >= $0 + Self.closingPatience } ?? false }

    // MARK: Out

    /// What is to be sent next; `nil` when there is nothing until the next wake-up.
    package func nextOutput() async -> Output? {
        while true {
            if takenAnswers < answers.count {
                defer { takenAnswers += 1 }
                return answers[takenAnswers]
            }
            answers.removeAll(keepingCapacity: true)
            takenAnswers = 0
            guard !isClosing, let place else { return nil }
            if let media, let participant,
                let offer = await media.nextOffer(
                    of: participant, connection: place.connection)
            {
                guard self.place == place else { continue }
                return Self.output(offer)
            }
            guard let delivery = await store.next(for: place.participant, connection: place.connection) else {
                if answers.isEmpty { return nil }
                continue
            }
            // It may have left meanwhile.
            guard self.place == place else { continue }
            if case .ended = delivery { forgetPlace() }
            return Self.output(ServerMessage(delivery))
        }
    }

    private static func output(_ message: ServerMessage) -> Output {
        switch message.frame {
        case .text(let text): .text(text)
        case .binary(let bytes): .binary(bytes)
        }
    }

    private func answer(_ output: Output) {
        guard !isClosing else { return }
        if answers.count - takenAnswers >= Self.maximumAnswers {
            answers.append(.close(.misbehaved))
            beginClosing()
        } else {
            answers.append(output)
        }
        wake()
    }

    private func reply(_ message: ServerMessage) {
        if case .error(_, let error) = message { onRefusal(error.code.rawValue) }
        answer(Self.output(message))
    }

    private func end(_ end: SignalingEnd, _ error: SignalingError?) {
        if let error { reply(.error(id: nil, error)) }
        answer(.close(end))
        beginClosing()
    }

    private func beginClosing() {
        isClosing = true
        if closingSince == nil { closingSince = now() }
    }

    private func tellMigrate() async {
        guard !hasToldMigrate else { return }
        hasToldMigrate = true
        // Those of one room stay together.
        reply(.migrate(url: await destination(room?.description ?? "")))
    }

    // MARK: Doing

    private func perform(_ action: SignalingSession.Action) async {
        guard !isClosing else { return }
        switch action {
        case .authenticate(let id, let authentication): await authenticate(id, authentication)
        case .perform(let request): await perform(request)
        case .tell(let message):
            do throws(SignalingError) {
                try await send(.binary(message.payload), to: message.recipient)
            } catch {
                reply(.error(id: nil, error))
            }
        case .reply(let message): reply(message)
        case .ping: answer(.ping)
        case .end(let end, let error): self.end(end, error)
        }
    }

    private func authenticate(_ id: UInt64?, _ authentication: ClientMessage.Authentication) async {
        if gate.wait() != nil {
            return end(
                .credentialRefused,
                SignalingError(
                    .rateLimited, "Too many wrong credentials came from this address.", cure: "Wait a minute."))
        }
        do throws(SignalingError) {
            try await gate.check(authentication.token)
        } catch {
            reply(.error(id: id, error))
            return end(.credentialRefused, nil)
        }
        token = authentication.token
        session.authenticated(at: now())
        if let resume = authentication.resume {
            do throws(SignalingError) {
                try await self.resume(resume, id: id)
            } catch {
                reply(.error(id: id, error))
            }
        } else {
            reply(.welcome(id: id, welcome(back: nil)))
        }
    }

    private func welcome(back place: ServerMessage.ResumedPlace?) -> ServerMessage.Welcome {
        ServerMessage.Welcome(
            heartbeatSeconds: Int(SignalingSession.silencePatience.seconds), resumeSeconds: resumeSeconds,
            resumed: place)
    }

    private func resume(_ resume: ClientMessage.Resume, id: UInt64?) async throws(SignalingError) {
        guard let room = await store.room(ofSession: resume.session) else {
            throw SignalingError(RoomRefusal.unknownSession)
        }
        let admission = try await gate.admit(token, to: room)
        do throws(RoomRefusal) {
            let place = try await store.resume(
                resume.session, holder: admission.holder, after: resume.event, wake: wake)
            await take(place, in: room, with: admission)
            // Before what was missed, which waits in the room.
            reply(
                .welcome(
                    id: id,
                    welcome(back: ServerMessage.ResumedPlace(room: room, participant: place.participant))))
        } catch {
            throw SignalingError(error)
        }
    }

    private func join(_ join: ClientMessage.Join, id: UInt64?) async throws(SignalingError) {
        guard place == nil else { throw SignalingError(.alreadyJoined, "This connection is in a room.") }
        guard !isDraining() else { throw SignalingError(.draining, "The gateway is going away.") }
        let admission = try await gate.admit(token, to: join.room)
        do throws(RoomRefusal) {
            let place = try await store.join(
                RoomDirectory.Request(
                    room: join.room, role: admission.role, holder: admission.holder, name: join.name,
                    metadata: join.metadata), wake: wake)
            await take(place, in: join.room, with: admission)
            reply(
                .joined(
                    id: id,
                    ServerMessage.Joined(
                        participant: place.participant, session: place.session.revealed,
                        snapshot: place.snapshot ?? RoomSnapshot(room: join.room, event: 0, participants: []))))
        } catch {
            throw SignalingError(error)
        }
    }

    private func perform(_ request: ClientRequest) async {
        let id = request.id
        do throws(SignalingError) {
            switch request.message {
            // These are dealt with before they come here.
            case .authenticate, .ping: return
            case .join(let join): return try await self.join(join, id: id)
            case .leave:
                _ = try current()
                await leave(.left)
            case .snapshot:
                guard let room = try current().room, let snapshot = await store.snapshot(of: room) else {
                    throw SignalingError(RoomRefusal.unknownRoom)
                }
                return reply(.snapshot(id: id, snapshot))
            case .update(let metadata):
                let participant = try current().id
                try await ask { () throws(RoomRefusal) in try await store.update(participant, metadata: metadata) }
            case .send(let recipient, let text): try await send(.text(text), to: recipient)
            case .kick(let other, let reason):
                let participant = try current().id
                try await ask { () throws(RoomRefusal) in
                    try await store.kick(other, by: participant, reason: reason)
                }
            case .close(let reason):
                let participant = try current().id
                try await ask { () throws(RoomRefusal) in try await store.close(by: participant, reason: reason) }
            case .media(let request):
                _ = try current()
                guard let media, let participant else {
                    throw SignalingError(.unknownType, "This gateway does not carry media for rooms.")
                }
                if let answer = try await media.perform(request, of: participant, id: id) { return reply(answer) }
            }
            reply(.ok(id: id))
        } catch {
            reply(.error(id: id, error))
        }
    }

    private func send(_ content: MessageContent, to recipient: ParticipantID?) async throws(SignalingError) {
        let participant = try current().id
        try await ask { () throws(RoomRefusal) in
            try await store.send(content, from: participant, to: recipient)
        }
    }

    /// Who this is, and where.
    private func current() throws(SignalingError) -> (id: ParticipantID, room: RoomName?) {
        guard let place else { throw SignalingError(.notJoined, "This connection is in no room.") }
        return (place.participant, room)
    }

    /// Who this is, as far as media is concerned.
    private var participant: RoomMediaDesk.Participant? {
        guard let place, let room, let admission else { return nil }
        return RoomMediaDesk.Participant(id: place.participant, room: room, role: admission.role)
    }

    private func ask(_ body: () async throws(RoomRefusal) -> Void) async throws(SignalingError) {
        do throws(RoomRefusal) {
            try await body()
        } catch {
            throw SignalingError(error)
        }
    }

    // MARK: Places

    /// Has a place from now on; or gives it up at once, when the connection was lost meanwhile.
    private func take(_ place: RoomDirectory.Place, in room: RoomName, with admission: SignalingGate.Admission) async {
        guard !isClosing else {
            return await store.disconnect(place.participant, connection: place.connection)
        }
        self.place = place
        self.room = room
        self.admission = admission
        if let media, let participant { await media.attach(participant, connection: place.connection, wake: wake) }
    }

    private func leave(_ departure: Departure) async {
        guard let place else { return }
        forgetPlace()
        await store.leave(place.participant, departure)
    }

    private func forgetPlace() {
        place = nil
        room = nil
        admission = nil
        doubted = nil
    }
}
