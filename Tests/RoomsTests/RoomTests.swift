import Primitives
import Rooms
import Testing

@Suite("Rooms: coming, going and talking")
struct RoomTests {
    @Test func `whoever comes sees those who are there, and they are told`() throws {
        var harness = Harness()
        let first = try harness.join("Ada", role: .publisher)
        let second = try harness.join("Ben", metadata: #"{"seat":4}"#)
        #expect(first.snapshot?.participants.map(\.name) == ["Ada"])
        #expect(second.snapshot?.participants.map(\.name) == ["Ada", "Ben"])
        #expect(harness.woken() == [first.participant])
        guard case .joined(let seen) = harness.events(first).first else { throw ExpectationFailed() }
        #expect(seen.id == second.participant)
        #expect(seen.metadata == #"{"seat":4}"#)
        #expect(harness.told(second).isEmpty)
    }

    @Test func `numbers go on from the snapshot, and each event is told once`() throws {
        var harness = Harness()
        let first = try harness.join()
        let second = try harness.join()
        _ = harness.told(first)
        try harness.directory.send(.text("one"), from: second.participant, at: harness.now)
        try harness.directory.send(.text("two"), from: second.participant, at: harness.now)
        let event = try #require(second.snapshot?.event)
        #expect(
            harness.told(first) == [
                .event(number: event + 1, .message(from: second.participant, isPrivate: false, .text("one"))),
                .event(number: event + 2, .message(from: second.participant, isPrivate: false, .text("two"))),
            ])
        #expect(harness.told(first).isEmpty)
    }

    @Test func `a message to one is told to that one alone, and its sender is not told its own`() throws {
        var harness = Harness()
        let places = try (0..<3).map { _ in try harness.join() }
        for place in places { _ = harness.told(place) }
        _ = harness.woken()
        try harness.directory.send(
            .binary([1, 2]), from: places[0].participant, to: places[2].participant, at: harness.now)
        #expect(harness.woken() == [places[2].participant])
        #expect(
            harness.events(places[2]) == [.message(from: places[0].participant, isPrivate: true, .binary([1, 2]))])
        #expect(harness.told(places[0]).isEmpty)
        #expect(harness.told(places[1]).isEmpty)
    }

    @Test func `nobody hears what happens in another room or namespace`() throws {
        var harness = Harness()
        let other = RoomName(namespace: try #require(Namespace("tenant")), name: Harness.room.name)
        let here = try harness.join()
        let there = try harness.join(room: other)
        try harness.directory.send(.text("hello"), from: here.participant, at: harness.now)
        #expect(harness.told(there).isEmpty)
        #expect(
            refusal {
                try harness.directory.send(
                    .text("hello"), from: here.participant, to: there.participant, at: harness.now)
            } == .unknownParticipant)
    }

    @Test func `what a participant says about itself reaches the others`() throws {
        var harness = Harness()
        let first = try harness.join()
        let second = try harness.join("Ben")
        _ = harness.told(first)
        try harness.directory.update(second.participant, metadata: #"{"hand":true}"#, at: harness.now)
        #expect(
            harness.events(first) == [
                .updated(
                    Participant(id: second.participant, role: .subscriber, name: "Ben", metadata: #"{"hand":true}"#))
            ])
        #expect(harness.snapshot?.participants.last?.metadata == #"{"hand":true}"#)
    }

    @Test func `a room is gone with the last who leaves it`() throws {
        var harness = Harness()
        let first = try harness.join()
        let second = try harness.join()
        _ = harness.told(first)
        harness.directory.leave(second.participant)
        #expect(harness.events(first) == [.left(second.participant, .left)])
        harness.directory.leave(first.participant)
        harness.directory.leave(first.participant)
        #expect(harness.counts == (0, 0))
        #expect(harness.snapshot == nil)
        #expect(harness.deadline == nil)
    }

    // MARK: Moderators

    @Test func `a moderator sends somebody away, who is told why`() throws {
        var harness = Harness()
        let moderator = try harness.join(role: .moderator)
        let guest = try harness.join()
        _ = harness.told(moderator)
        try harness.directory.kick(
            guest.participant, by: moderator.participant, reason: "spam", at: harness.now)
        #expect(harness.events(moderator) == [.left(guest.participant, .kicked)])
        #expect(harness.told(guest) == [.ended(.kicked, reason: "spam")])
        #expect(harness.told(guest).isEmpty)
        #expect(
            refusal { try harness.directory.send(.text("?"), from: guest.participant, at: harness.now) }
                == .unknownParticipant)
        #expect(
            refusal { _ = try harness.directory.resume(guest.session, holder: "holder", after: 0) } == .unknownSession)
    }

    @Test(arguments: [RoomRole.subscriber, .publisher])
    func `who is no moderator neither kicks nor closes`(role: RoomRole) throws {
        var harness = Harness()
        let guest = try harness.join(role: role)
        let other = try harness.join()
        #expect(
            refusal {
                try harness.directory.kick(other.participant, by: guest.participant, reason: nil, at: harness.now)
            } == .roleNotAllowed)
        #expect(
            refusal { try harness.directory.close(by: guest.participant, reason: nil, at: harness.now) }
                == .roleNotAllowed)
        #expect(harness.counts.participants == 2)
    }

    @Test func `closing a room sends everybody away, and it can be opened anew`() throws {
        var harness = Harness()
        let moderator = try harness.join(role: .moderator)
        let guest = try harness.join()
        try harness.directory.close(by: moderator.participant, reason: "over", at: harness.now)
        #expect(harness.counts == (0, 0))
        let again = try harness.join()
        #expect(harness.told(guest) == [.ended(.roomClosed, reason: "over")])
        #expect(harness.told(moderator) == [.ended(.roomClosed, reason: "over")])
        #expect(again.snapshot?.participants.count == 1)
        #expect(harness.told(again).isEmpty)
    }

    @Test func `whoever was sent away while away is told on coming back, and forgotten after the window`() throws {
        var harness = Harness()
        let moderator = try harness.join(role: .moderator)
        let guests = [try harness.join(), try harness.join()]
        for guest in guests {
            harness.directory.disconnect(guest.participant, connection: guest.connection, at: harness.now)
            try harness.directory.kick(guest.participant, by: moderator.participant, reason: nil, at: harness.now)
        }
        _ = try harness.directory.resume(guests[0].session, holder: "holder", after: 0)
        #expect(harness.told(guests[0]) == [.ended(.kicked, reason: nil)])
        harness.advance(by: harness.directory.limits.resumeWindow)
        #expect(
            refusal { _ = try harness.directory.resume(guests[1].session, holder: "holder", after: 0) }
                == .unknownSession)
        #expect(harness.deadline == nil)
    }

    // MARK: Streams

    @Test func `a stream is a participant of the room of its name`() throws {
        var harness = Harness()
        let isShown = harness.directory.announce(Harness.room.name, source: "rtmp")
        #expect(isShown)
        let viewer = try harness.join()
        #expect(viewer.snapshot?.participants.first?.id == .stream)
        #expect(viewer.snapshot?.participants.first?.kind == .stream)
        harness.directory.setStreamPresence(.away, of: Harness.room.name)
        harness.directory.announce(Harness.room.name, source: "rtmp")
        harness.directory.withdraw(Harness.room.name)
        #expect(
            harness.events(viewer) == [
                .presence(.stream, .away), .presence(.stream, .here), .left(.stream, .ended),
            ])
        harness.directory.leave(viewer.participant)
        #expect(harness.counts == (0, 0))
    }

    @Test func `closing the room of a stream leaves the stream where it is, and nobody sends it away`() throws {
        var harness = Harness()
        harness.directory.announce(Harness.room.name, source: "whip")
        let moderator = try harness.join(role: .moderator)
        #expect(
            refusal {
                try harness.directory.kick(.stream, by: moderator.participant, reason: nil, at: harness.now)
            } == .unknownParticipant)
        try harness.directory.close(Harness.room, reason: nil, at: harness.now)
        #expect(harness.snapshot?.participants.map(\.id) == [.stream])
    }
}

struct ExpectationFailed: Error {}
