import Primitives
import Rooms
import Testing

@Suite("Rooms: limits")
struct LimitTests {
    @Test func `rooms, participants of a room and participants of all rooms are bounded`() throws {
        var limits = RoomLimits()
        limits.rooms = 2
        limits.participantsPerRoom = 2
        limits.participants = 3
        var harness = Harness(limits: limits)
        let rooms = ["a", "b", "c"].compactMap { StreamName($0) }.map { RoomName(name: $0) }
        let first = try harness.join(room: rooms[0])
        _ = try harness.join(room: rooms[0])
        #expect(refusal { _ = try harness.join(room: rooms[0]) } == .roomFull)
        let third = try harness.join(room: rooms[1])
        #expect(refusal { _ = try harness.join(room: rooms[1]) } == .tooManyParticipants)
        harness.directory.leave(first.participant)
        #expect(refusal { _ = try harness.join(room: rooms[2]) } == .tooManyRooms)
        var isShown = harness.directory.announce(rooms[2].name, source: "whip")
        #expect(!isShown)
        harness.directory.leave(third.participant)
        isShown = harness.directory.announce(rooms[2].name, source: "whip")
        #expect(isShown)
    }

    @Test func `who does not read costs no more than the room remembers, and is told the state then`() throws {
        var harness = Harness()
        let slow = try harness.join()
        let talker = try harness.join()
        let limits = harness.directory.limits
        for number in 0..<limits.eventsPerRoom * 3 {
            try harness.directory.send(.text("\(number)"), from: talker.participant, at: harness.now)
            harness.advance(by: .milliseconds(50))
        }
        // Woken once for all of them.
        #expect(harness.woken() == [slow.participant])
        let told = harness.told(slow)
        #expect(told.count == 1)
        guard case .resync(let snapshot) = told.first else { throw ExpectationFailed() }
        #expect(snapshot.participants.count == 2)
        #expect(harness.told(slow).isEmpty)
    }

    @Test func `a participant exactly as far behind as the room remembers is told each event`() throws {
        var harness = Harness()
        let slow = try harness.join()
        let talker = try harness.join()
        _ = harness.told(slow)
        let count = harness.directory.limits.eventsPerRoom
        for number in 0..<count {
            try harness.directory.send(.text("\(number)"), from: talker.participant, at: harness.now)
            harness.advance(by: .milliseconds(50))
        }
        #expect(harness.events(slow).count == count)
    }

    @Test func `large messages push old events out before the number of events does`() throws {
        var limits = RoomLimits()
        limits.eventBytesPerRoom = 4_000
        var harness = Harness(limits: limits)
        let slow = try harness.join()
        let talker = try harness.join()
        _ = harness.told(slow)
        for _ in 0..<5 {
            try harness.directory.send(
                .binary(Array(repeating: 7, count: 1_000)), from: talker.participant, at: harness.now)
        }
        let told = harness.told(slow)
        guard case .resync = told.first else { throw ExpectationFailed() }
        #expect(told.count == 1)
    }

    @Test func `messages are bounded in size, and in number and bytes over time`() throws {
        var harness = Harness()
        let place = try harness.join()
        let limits = harness.directory.limits
        let now = harness.now
        #expect(
            refusal {
                try harness.directory.send(
                    .binary(Array(repeating: 0, count: limits.messageBytes + 1)), from: place.participant, at: now)
            } == .messageTooLarge)
        for _ in 0..<limits.messagesAtOnce {
            try harness.directory.send(.text(""), from: place.participant, at: now)
        }
        #expect(refusal { try harness.directory.send(.text(""), from: place.participant, at: now) } == .rateLimited)
        #expect(
            refusal { try harness.directory.update(place.participant, metadata: "{}", at: now) } == .rateLimited)
        harness.advance(by: .seconds(1))
        for _ in 0..<limits.messagesPerSecond {
            try harness.directory.send(.text(""), from: place.participant, at: harness.now)
        }
        #expect(
            refusal { try harness.directory.send(.text(""), from: place.participant, at: harness.now) }
                == .rateLimited)
        // And bytes.
        let other = try harness.join()
        let large = MessageContent.binary(Array(repeating: 0, count: limits.messageBytes))
        for _ in 0..<limits.bytesAtOnce / limits.messageBytes {
            try harness.directory.send(large, from: other.participant, at: harness.now)
        }
        #expect(
            refusal { try harness.directory.send(large, from: other.participant, at: harness.now) } == .rateLimited)
    }

    @Test func `what participants say about themselves is bounded`() throws {
        var harness = Harness()
        let limits = harness.directory.limits
        let long = String(repeating: "x", count: limits.displayNameBytes + 1)
        #expect(refusal { _ = try harness.join(long) } == .displayNameTooLong)
        let metadata = "{\"a\":\"\(String(repeating: "x", count: limits.metadataBytes))\"}"
        #expect(refusal { _ = try harness.join(metadata: metadata) } == .metadataTooLarge)
        let place = try harness.join(role: .moderator)
        #expect(
            refusal { try harness.directory.update(place.participant, metadata: metadata, at: harness.now) }
                == .metadataTooLarge)
        let reason = String(repeating: "x", count: limits.reasonBytes + 1)
        #expect(
            refusal { try harness.directory.close(by: place.participant, reason: reason, at: harness.now) }
                == .reasonTooLong)
    }

    @Test func `a connection that breaks again and again leaves nothing behind`() throws {
        var harness = Harness()
        var place = try harness.join()
        let other = try harness.join()
        _ = harness.woken()
        for _ in 0..<5_000 {
            harness.directory.disconnect(place.participant, connection: place.connection, at: harness.now)
            place = try harness.directory.resume(place.session, holder: "holder", after: 0)
            #expect(harness.woken().count <= 2)
        }
        let told = harness.told(other)
        #expect(told.count <= harness.limits.eventsPerRoom)
        harness.directory.leave(place.participant)
        harness.directory.leave(other.participant)
        #expect(harness.counts == (0, 0))
        #expect(harness.deadline == nil)
    }

    @Test(arguments: ["", "a.b", "ä", String(repeating: "x", count: 65)])
    func `a namespace has no dot and is short`(text: String) {
        #expect(Namespace(text) == nil)
    }

    @Test func `a credential for a room of a namespace names both`() throws {
        let tenant = try #require(Namespace("acme"))
        let name = try #require(StreamName("lobby"))
        #expect(RoomName(name: name).scope?.description == "lobby")
        #expect(RoomName(namespace: tenant, name: name).scope?.description == "acme.lobby")
        let long = try #require(StreamName(String(repeating: "x", count: 128)))
        #expect(RoomName(namespace: tenant, name: long).scope == nil)
    }
}
