import Auth
import HTTPTypes
import Hummingbird
import Primitives
import Rooms

/// Rooms as administrators see them: `/api/v1/rooms`.
struct RoomRoutes: Sendable {
    let store: (any RoomStore)?
    let access: Access

    private struct Summary: Encodable {
        var namespace: String
        var room: String
        var participants: Int
    }

    private struct Person: Encodable {
        var id: String
        var kind: String
        var role: String
        var name: String?
        var presence: String

        init(_ participant: Participant) {
            id = participant.id.description
            kind = participant.kind.rawValue
            role = participant.role.rawValue
            name = participant.name
            presence = participant.presence.rawValue
        }
    }

    /// `GET /api/v1/rooms`, and with `namespace` those of one.
    func list(_ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        struct Answer: Encodable { var rooms: [Summary] }
        _ = try await access.authorize(.admin, stream: nil, request, peer: peer)
        let namespace = try Self.namespace(request)
        let rooms = await (try known()).rooms().filter { namespace == nil || $0.room.namespace == namespace }
        return InformationRoutes.json(
            Answer(
                rooms: rooms.map {
                    Summary(
                        namespace: $0.room.namespace.description, room: $0.room.name.description,
                        participants: $0.participants)
                }))
    }

    /// `GET` and `DELETE` on `/api/v1/rooms/{room}`.
    func room(_ name: StreamName, _ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        struct Answer: Encodable {
            var namespace: String
            var room: String
            var participants: [Person]
        }
        let room = try await authorized(name, request, peer: peer)
        let store = try known()
        if request.method == .delete {
            do throws(RoomRefusal) {
                try await store.close(room, reason: nil)
            } catch {
                throw .unknownRoom
            }
            return Response(status: .noContent)
        }
        guard let snapshot = await store.snapshot(of: room) else { throw .unknownRoom }
        return InformationRoutes.json(
            Answer(
                namespace: room.namespace.description, room: room.name.description,
                participants: snapshot.participants.map(Person.init)))
    }

    /// `DELETE /api/v1/rooms/{room}/participants/{participant}`.
    func kick(
        _ participant: String, from name: StreamName, _ request: Request, peer: TransportAddress?
    ) async throws(Problem) -> Response {
        let room = try await authorized(name, request, peer: peer)
        guard let id = ParticipantID(participant) else { throw .unknownParticipant }
        do throws(RoomRefusal) {
            try await (try known(as: RoomRefusal.unknownRoom)).remove(id, from: room, reason: nil)
        } catch {
            throw error == .unknownRoom ? .unknownRoom : .unknownParticipant
        }
        return Response(status: .noContent)
    }

    private func authorized(
        _ name: StreamName, _ request: Request, peer: TransportAddress?
    ) async throws(Problem) -> RoomName {
        let room = RoomName(namespace: try Self.namespace(request) ?? .standard, name: name)
        // What no credential can be for, nobody has been let into either.
        guard let scope = room.scope else { throw .unknownRoom }
        _ = try await access.authorize(.admin, stream: scope, request, peer: peer)
        return room
    }

    private func known() throws(Problem) -> any RoomStore {
        try known(as: Problem.notFound)
    }

    private func known<Failure: Error>(as failure: Failure) throws(Failure) -> any RoomStore {
        guard let store else { throw failure }
        return store
    }

    private static func namespace(_ request: Request) throws(Problem) -> Namespace? {
        guard let text = request.uri.queryParameters["namespace"] else { return nil }
        guard let namespace = Namespace(text) else { throw .badNamespace }
        return namespace
    }
}

extension Problem {
    static let unknownRoom = Problem(404, "unknown-room", "There is nobody in such a room at the moment.")
    static let unknownParticipant = Problem(
        404, "unknown-participant",
        "There is no such participant in the room, or it is a stream, which has no connection.")
    static let badNamespace = Problem(
        400, "bad-namespace", "\"namespace\" is 1 to \(Namespace.maximumLength) of A-Z a-z 0-9 _ -.")
}
