import Primitives
import Rooms
import TestSupport
import Testing

@Suite("Rooms: connections that are lost")
struct ResumeTests {
    @Test func `who comes back within the window has missed nothing`() throws {
        var harness = Harness()
        let first = try harness.join()
        let second = try harness.join()
        _ = harness.told(first)
        harness.directory.disconnect(first.participant, connection: first.connection, at: harness.now)
        #expect(harness.events(second) == [.presence(first.participant, .away)])
        _ = harness.woken()
        for number in 0..<10 {
            try harness.directory.send(.text("\(number)"), from: second.participant, at: harness.now)
            harness.advance(by: .seconds(2))
        }
        // A connection that is gone is not woken.
        #expect(!harness.woken().contains(first.participant))
        let seen = try #require(second.snapshot?.event)
        let back = try harness.directory.resume(first.session, holder: "holder", after: seen)
        #expect(back.participant == first.participant)
        #expect(harness.woken().contains(first.participant))
        let texts = harness.events(first).compactMap { event -> String? in
            if case .message(_, _, .text(let text)) = event { text } else { nil }
        }
        #expect(texts == (0..<10).map(String.init))
        #expect(harness.events(second) == [.presence(first.participant, .here)])
    }

    @Test func `events that were on their way when the connection broke are told again`() throws {
        var harness = Harness()
        let first = try harness.join()
        let second = try harness.join()
        _ = harness.told(first)
        let seen = try #require(second.snapshot?.event)
        try harness.directory.send(.text("lost"), from: second.participant, at: harness.now)
        #expect(harness.events(first).count == 1)
        harness.directory.disconnect(first.participant, connection: first.connection, at: harness.now)
        _ = try harness.directory.resume(first.session, holder: "holder", after: seen)
        #expect(
            harness.events(first) == [.message(from: second.participant, isPrivate: false, .text("lost"))])
    }

    @Test func `who stays away loses its place when the window ends, and not before`() throws {
        var harness = Harness()
        let first = try harness.join()
        let second = try harness.join()
        harness.directory.disconnect(first.participant, connection: first.connection, at: harness.now)
        _ = harness.told(second)
        harness.advance(by: harness.directory.limits.resumeWindow - .milliseconds(1))
        #expect(harness.told(second).isEmpty)
        #expect(harness.deadline == harness.now + .milliseconds(1))
        harness.advance(by: .milliseconds(1))
        #expect(harness.events(second) == [.left(first.participant, .lost)])
        #expect(
            refusal { _ = try harness.directory.resume(first.session, holder: "holder", after: 0) } == .unknownSession)
    }

    @Test func `who came back in time stays, whatever the earlier window says`() throws {
        var harness = Harness()
        let place = try harness.join()
        harness.directory.disconnect(place.participant, connection: place.connection, at: harness.now)
        harness.advance(by: .seconds(20))
        let back = try harness.directory.resume(place.session, holder: "holder", after: 0)
        harness.advance(by: .seconds(20))
        #expect(harness.counts.participants == 1)
        harness.directory.disconnect(place.participant, connection: back.connection, at: harness.now)
        harness.advance(by: .seconds(29))
        #expect(harness.counts.participants == 1)
        harness.advance(by: .seconds(1))
        #expect(harness.counts.participants == 0)
    }

    @Test func `somebody else does not get the place, whatever session it names`() throws {
        var harness = Harness()
        let place = try harness.join(holder: "ada")
        harness.directory.disconnect(place.participant, connection: place.connection, at: harness.now)
        #expect(
            refusal { _ = try harness.directory.resume(place.session, holder: "eve", after: 0) } == .unknownSession)
        #expect(
            refusal { _ = try harness.directory.resume(Secret("guess"), holder: "ada", after: 0) } == .unknownSession)
        _ = try harness.directory.resume(place.session, holder: "ada", after: 0)
    }

    @Test func `a later connection takes the place, and the end of the earlier changes nothing`() throws {
        var harness = Harness()
        let place = try harness.join()
        let later = try harness.directory.resume(place.session, holder: "holder", after: 1)
        let isCurrent = (earlier: harness.isCurrent(place), later: harness.isCurrent(later))
        #expect(isCurrent == (false, true))
        harness.directory.disconnect(place.participant, connection: place.connection, at: harness.now)
        harness.advance(by: .seconds(60))
        #expect(harness.counts.participants == 1)
    }

    @Test(arguments: [UInt64(1_000_000), .max, 0])
    func `a number that the room does not remember brings the state anew`(event: UInt64) throws {
        var limits = RoomLimits()
        limits.eventsPerRoom = 4
        var harness = Harness(limits: limits)
        let first = try harness.join()
        let second = try harness.join()
        for _ in 0..<10 { try harness.directory.send(.text("x"), from: second.participant, at: harness.now) }
        harness.directory.disconnect(first.participant, connection: first.connection, at: harness.now)
        _ = try harness.directory.resume(first.session, holder: "holder", after: event)
        let told = harness.told(first)
        #expect(told.count == 1)
        guard case .resync(let snapshot) = told.first else { throw ExpectationFailed() }
        #expect(snapshot == harness.snapshot)
        try harness.directory.send(.text("next"), from: second.participant, at: harness.now)
        #expect(
            harness.told(first) == [
                .event(
                    number: snapshot.event + 1, .message(from: second.participant, isPrivate: false, .text("next")))
            ])
    }

    @Test(arguments: [UInt64(3), 4, 5])
    func `whatever happens, a participant knows the state or is told it`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var limits = RoomLimits()
        limits.eventsPerRoom = 8
        var harness = Harness(limits: limits, seed: seed)
        var places = [try harness.join(), try harness.join(), try harness.join()]
        // What the first knows, from what it was told alone.
        var known = Dictionary(
            uniqueKeysWithValues: (places[0].snapshot?.participants ?? []).map { ($0.id, $0.presence) })
        var last = places[0].snapshot?.event ?? 0
        for _ in 0..<2_000 {
            switch Int.random(in: 0..<7, using: &generator) {
            case 0 where places.count < 12: places.append(try harness.join())
            case 1 where places.count > 1:
                harness.directory.leave(
                    places.remove(at: Int.random(in: 1..<places.count, using: &generator)).participant)
            case 2 where places.count > 1:
                let place = places[Int.random(in: 1..<places.count, using: &generator)]
                harness.directory.disconnect(place.participant, connection: place.connection, at: harness.now)
            case 3 where places.count > 1:
                let index = Int.random(in: 1..<places.count, using: &generator)
                if let back = try? harness.directory.resume(places[index].session, holder: "holder", after: 0) {
                    places[index] = back
                }
            case 4:
                // The first loses its connection and comes back.
                harness.directory.disconnect(places[0].participant, connection: places[0].connection, at: harness.now)
                places[0] = try harness.directory.resume(places[0].session, holder: "holder", after: last)
            case 5: harness.advance(by: .seconds(1))
            default:
                for delivery in harness.told(places[0]) {
                    switch delivery {
                    case .event(let number, let event):
                        #expect(number > last)
                        last = number
                        switch event {
                        case .joined(let participant): known[participant.id] = participant.presence
                        case .left(let id, _): known[id] = nil
                        case .presence(let id, let presence): known[id] = presence
                        default: break
                        }
                    case .resync(let snapshot):
                        last = snapshot.event
                        known = Dictionary(uniqueKeysWithValues: snapshot.participants.map { ($0.id, $0.presence) })
                    case .ended: Issue.record("nobody sent the first away")
                    }
                }
                let actual = harness.directory.snapshot(of: Harness.room)?.participants ?? []
                #expect(known == Dictionary(uniqueKeysWithValues: actual.map { ($0.id, $0.presence) }))
            }
        }
    }
}
