import Auth
import Gateway
import Primitives
import RoomService
import Rooms
import Signaling
import Testing

@Suite("Signaling, from frames to rooms")
struct SignalingClientTests {
    private let hello = #"{"type":"authenticate"}"#
    private let join = #"{"type":"join","room":"lobby"}"#

    @Test func `two clients meet, talk, and part`() async throws {
        let harness = await Harness()
        let store = harness.makeStore()
        let (ada, ben) = (harness.client(store), harness.client(store))
        await ada.say(hello)
        await ada.say(#"{"type":"join","id":2,"room":"lobby","name":"Ada","metadata":{"a":1}}"#)
        let first = await ada.heardNow()
        #expect(first.types == ["welcome", "joined"])
        #expect(first.first("joined", "id") == .number("2"))
        await ben.say(hello)
        await ben.say(join)
        let second = await ben.heardNow()
        let adaID = try #require(first.first("joined", "participant")).string
        let benID = try #require(second.first("joined", "participant")).string
        #expect(await ada.heardNow().types == ["participant-joined"])
        await ben.say(#"{"type":"send","id":9,"text":"hello","to":"\#(adaID)"}"#)
        #expect(await ben.heardNow().types == ["ok"])
        let told = await ada.heardNow()
        #expect(told.first("message", "text") == .string("hello"))
        #expect(told.first("message", "from") == .string(benID))
        #expect(told.first("message", "private") == .bool(true))
        await ben.receive(binary: [1, 0, 5, 6])
        #expect(await ben.outputs().isEmpty)
        guard case .binary(let bytes) = await ada.outputs().first else {
            Issue.record("no binary message")
            return
        }
        #expect(Array(bytes.suffix(2)) == [5, 6])
        await ada.say(#"{"type":"kick","participant":"\#(benID)","reason":"test"}"#)
        #expect(await ada.heardNow().types == ["ok", "participant-left"])
        let end = await ben.heardNow()
        #expect(end.first("ended", "cause") == .string("kicked"))
        #expect(end.first("ended", "reason") == .string("test"))
        // The connection is still good for another room.
        await ben.say(#"{"type":"join","room":"other"}"#)
        #expect(await ben.heardNow().types == ["joined"])
    }

    @Test func `a client that comes back on another connection has missed nothing`() async throws {
        let harness = await Harness()
        let store = harness.makeStore()
        let (ada, ben) = (harness.client(store), harness.client(store))
        for client in [ada, ben] {
            await client.say(hello)
            await client.say(join)
        }
        let joined = await ada.heardNow()
        _ = await ben.heardNow()
        let session = try #require(joined.first("joined", "session")).string
        let event = try #require(joined.first("participant-joined", "event"))
        await ada.disconnected()
        for number in 0..<5 { await ben.say(#"{"type":"send","text":"\#(number)"}"#) }
        #expect(await ben.heardNow().first("participant-presence", "presence") == .string("away"))
        let again = harness.client(store)
        await again.say(
            #"{"type":"authenticate","id":1,"resume":{"session":"\#(session)","event":\#(event.text)}}"#)
        let told = await again.heardNow()
        #expect(told.types == ["welcome"] + Array(repeating: "message", count: 5))
        #expect(told.first("welcome", "resumed") == .bool(true))
        #expect(told.first("welcome", "room") == .string("lobby"))
        #expect(await ben.heardNow().first("participant-presence", "presence") == .string("here"))
    }

    @Test func `an earlier connection ends when a later one takes its place`() async throws {
        let harness = await Harness()
        let store = harness.makeStore()
        let (old, new) = (harness.client(store), harness.client(store))
        await old.say(hello)
        await old.say(join)
        let session = try #require(await old.heardNow().first("joined", "session")).string
        await new.say(#"{"type":"authenticate","resume":{"session":"\#(session)","event":0}}"#)
        #expect(await new.heardNow().first("welcome", "resumed") == .bool(true))
        for _ in 0..<2 {
            harness.advance(by: .seconds(1))
            await old.tick()
        }
        #expect(await old.outputs().last == .close(.superseded))
        await old.disconnected()
        await new.say(#"{"type":"snapshot"}"#)
        #expect(await new.heardNow().types == ["snapshot"])
    }

    @Test func `after the window there is no way back, but the connection is good for joining`() async throws {
        let harness = await Harness()
        let store = harness.makeStore()
        let ada = harness.client(store)
        await ada.say(hello)
        await ada.say(join)
        let session = try #require(await ada.heardNow().first("joined", "session")).string
        await ada.disconnected()
        harness.advance(by: store.resumeWindow)
        await store.keepHouse()
        let again = harness.client(store)
        await again.say(#"{"type":"authenticate","resume":{"session":"\#(session)","event":0}}"#)
        #expect(await again.heardNow().first("error", "code") == .string("session-unknown"))
        await again.say(join)
        #expect(await again.heardNow().types == ["joined"])
    }

    // MARK: Who may

    @Test func `from elsewhere, nobody comes in without a token`() async {
        let harness = await Harness()
        let stranger = harness.client(harness.makeStore(), from: "192.0.2.7")
        await stranger.say(hello)
        let outputs = await stranger.outputs()
        #expect(outputs.last == .close(.credentialRefused))
    }

    @Test(arguments: [
        ("lobby", [Permission.subscribe], "subscriber"), ("*", [.subscribe, .publish], "publisher"),
        ("lob*", [.subscribe, .publish, .admin], "moderator"),
    ])
    func `a token says which room, and what one is there`(
        pattern: String, permissions: [Permission], role: String
    ) async throws {
        let harness = await Harness()
        let client = harness.client(harness.makeStore(), from: "192.0.2.7")
        await client.say(#"{"type":"authenticate","token":"\#(try await harness.token(pattern, permissions))"}"#)
        await client.say(join)
        let told = await client.heardNow()
        #expect(told.types == ["welcome", "joined"])
        guard case .array(let participants) = told.first("joined", "participants") else { return }
        #expect(participants.first?["role"] == .string(role))
    }

    @Test(arguments: [
        ("other", [Permission.subscribe]), ("lobby", [.play]), ("lobby", [.publish]), ("acme.*", [.subscribe]),
    ])
    func `a token for something else does not open the room`(
        pattern: String, permissions: [Permission]
    ) async throws {
        let harness = await Harness()
        let client = harness.client(harness.makeStore())
        await client.say(#"{"type":"authenticate","token":"\#(try await harness.token(pattern, permissions))"}"#)
        await client.say(join)
        #expect(await client.heardNow().first("error", "code") == .string("credential-refused"))
    }

    @Test func `a token of a tenant is for the rooms of its namespace`() async throws {
        let harness = await Harness()
        let client = harness.client(harness.makeStore(), from: "192.0.2.7")
        await client.say(#"{"type":"authenticate","token":"\#(try await harness.token("acme.*", [.subscribe]))"}"#)
        await client.say(#"{"type":"join","room":"lobby","namespace":"acme"}"#)
        #expect(await client.heardNow().first("joined", "namespace") == .string("acme"))
    }

    @Test func `whoever holds another token does not get the place of a session`() async throws {
        let harness = await Harness()
        let store = harness.makeStore()
        let ada = harness.client(store)
        await ada.say(#"{"type":"authenticate","token":"\#(try await harness.token("*", [.subscribe]))"}"#)
        await ada.say(join)
        let session = try #require(await ada.heardNow().first("joined", "session")).string
        let eve = harness.client(store)
        let other = try await harness.token("*", [.subscribe])
        await eve.say(
            #"{"type":"authenticate","token":"\#(other)","resume":{"session":"\#(session)","event":0}}"#)
        #expect(await eve.heardNow().first("error", "code") == .string("session-unknown"))
    }

    @Test func `a token that ends takes its holder out of the room`() async throws {
        let harness = await Harness()
        let store = harness.makeStore()
        let (guest, other) = (harness.client(store), harness.client(store))
        await guest.say(
            #"{"type":"authenticate","token":"\#(try await harness.token("*", [.subscribe], lifetime: .seconds(30)))"}"#
        )
        await other.say(hello)
        for client in [guest, other] {
            await client.say(join)
            _ = await client.outputs()
        }
        harness.advance(by: .seconds(20))
        await guest.tick()
        #expect(!(await guest.outputs().contains(.close(.dismissed))))
        harness.advance(by: .seconds(11))
        await guest.tick()
        #expect(await guest.outputs().last == .close(.dismissed))
        #expect(await other.heardNow().first("participant-left", "cause") == .string("credential"))
    }

    // MARK: Bounds

    @Test func `a client that sends and never reads is disconnected, and holds a bounded number of answers`() async {
        let harness = await Harness()
        let client = harness.client(harness.makeStore())
        await client.say(hello)
        for _ in 0..<1_000 {
            await client.say(#"{"type":"ping"}"#)
            harness.advance(by: .milliseconds(20))
        }
        let outputs = await client.outputs()
        #expect(outputs.count == 65)
        #expect(outputs.last == .close(.misbehaved))
        harness.advance(by: .seconds(6))
        #expect(await client.isOverdue)
    }

    @Test func `what is asked for in no room, and twice, is refused`() async {
        let harness = await Harness()
        let client = harness.client(harness.makeStore())
        await client.say(hello)
        for message in [
            #"{"type":"leave"}"#, #"{"type":"snapshot"}"#, #"{"type":"send","text":""}"#, #"{"type":"close"}"#,
            #"{"type":"update","metadata":{}}"#, #"{"type":"kick","participant":"p"}"#,
        ] {
            _ = await client.outputs()
            await client.say(message)
            #expect(await client.heardNow().first("error", "code") == .string("not-joined"))
        }
        await client.say(join)
        await client.say(join)
        #expect(await client.heardNow().first("error", "code") == .string("already-joined"))
        await client.say(#"{"type":"leave"}"#)
        await client.say(join)
        #expect(await client.heardNow().types == ["ok", "joined"])
    }

    @Test func `a gateway that goes away says so, and takes nobody in`() async {
        let harness = await Harness()
        let client = harness.client(harness.makeStore())
        await client.say(hello)
        harness.beginDraining()
        await client.tick()
        await client.say(join)
        let told = await client.heardNow()
        #expect(told.types == ["welcome", "migrate", "error"])
        #expect(told.first("migrate", "url") == .string("https://other.example?"))
        #expect(told.first("error", "code") == .string("draining"))
        await client.goAway()
        #expect(await client.outputs() == [.close(.goingAway)])
    }

    @Test func `those of one room are sent to the same gateway`() async {
        let harness = await Harness()
        let client = harness.client(harness.makeStore())
        await client.say(hello)
        await client.say(join)
        await client.goAway()
        #expect(await client.heardNow().first("migrate", "url") == .string("https://other.example?default/lobby"))
    }

    // MARK: Streams

    @Test func `rooms show the streams that there are`() async {
        let harness = await Harness()
        let store = harness.makeStore()
        let client = harness.client(store)
        func stream(_ name: String, _ state: String) -> StreamStatus {
            StreamStatus(name: name, state: state, source: "whip", startedAt: "", tracks: [], viewers: 0)
        }
        await StreamAnnouncer.reconcile([stream("lobby", "live"), stream("cam", "live")], in: store)
        await client.say(hello)
        await client.say(join)
        guard case .array(let participants) = await client.heardNow().first("joined", "participants") else {
            Issue.record("nobody is there")
            return
        }
        #expect(participants.map { $0["kind"] } == [.string("stream"), .string("client")])
        await StreamAnnouncer.reconcile([stream("lobby", "waiting")], in: store)
        await StreamAnnouncer.reconcile([stream("lobby", "live")], in: store)
        await StreamAnnouncer.reconcile([], in: store)
        #expect(
            await client.heardNow().types == ["participant-presence", "participant-presence", "participant-left"])
        #expect(await store.announcedStreams().isEmpty)
    }
}
