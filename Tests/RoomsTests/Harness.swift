import Primitives
import Rooms
import TestSupport
import Testing

/// A directory in virtual time.
struct Harness: ~Copyable {
    var directory: RoomDirectory
    var now = Instant.zero
    private var generator: SeededGenerator

    init(limits: RoomLimits = RoomLimits(), seed: UInt64 = 1) {
        directory = RoomDirectory(limits: limits)
        generator = SeededGenerator(seed: seed)
    }

    static let room = RoomName(name: StreamName("lobby")!)

    // Macros copy what they look at, and a directory cannot be copied.
    var limits: RoomLimits { directory.limits }
    var counts: (rooms: Int, participants: Int) { directory.counts }
    var deadline: Instant? { directory.deadline }
    var snapshot: RoomSnapshot? { directory.snapshot(of: Self.room) }

    func isCurrent(_ place: RoomDirectory.Place) -> Bool {
        directory.isCurrent(place.connection, of: place.participant)
    }

    mutating func join(
        _ name: String? = nil, room: RoomName = Harness.room, role: RoomRole = .subscriber, holder: String = "holder",
        metadata: String = "{}"
    ) throws -> RoomDirectory.Place {
        try directory.join(
            .init(room: room, role: role, holder: holder, name: name, metadata: metadata), at: now, using: &generator)
    }

    mutating func advance(by interval: Interval) {
        now = now + interval
        directory.advance(to: now)
    }

    /// Everything that a participant has not been told.
    mutating func told(_ place: RoomDirectory.Place) -> [RoomDelivery] {
        var result: [RoomDelivery] = []
        while let delivery = directory.next(for: place.participant) {
            result.append(delivery)
            if result.count > 10_000 {
                Issue.record("a participant is told things without end")
                return result
            }
        }
        return result
    }

    mutating func events(_ place: RoomDirectory.Place) -> [RoomEvent] {
        told(place).compactMap { if case .event(_, let event) = $0 { event } else { nil } }
    }

    /// Who has something new, in the order in which they were woken.
    mutating func woken() -> [ParticipantID] {
        var result: [ParticipantID] = []
        while let id = directory.nextOutput() { result.append(id) }
        return result
    }
}

/// What a call refuses with.
func refusal(_ body: () throws -> Void) -> RoomRefusal? {
    do {
        try body()
        return nil
    } catch {
        return error as? RoomRefusal
    }
}
