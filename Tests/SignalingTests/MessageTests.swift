import Foundation
import Primitives
import Rooms
import Signaling
import Testing

func parse(_ text: String) throws(RejectedMessage) -> ClientRequest {
    try ClientRequest(parsing: Array(text.utf8).span)
}

@Suite("Messages of martlet.v1")
struct MessageTests {
    private static let room = RoomName(name: StreamName("lobby")!)

    @Test func `every message of a client is read`() throws {
        let tenant = RoomName(namespace: try #require(Namespace("acme")), name: Self.room.name)
        let someone = try #require(ParticipantID("p1"))
        let messages: [(String, ClientMessage)] =
            [
                (#"{"type":"authenticate"}"#, .authenticate(.init())),
                (
                    #"{"type":"authenticate","token":"t","resume":{"session":"s","event":7}}"#,
                    .authenticate(.init(token: Secret("t"), resume: .init(session: Secret("s"), event: 7)))
                ),
                (#"{"type":"join","room":"lobby"}"#, .join(.init(room: Self.room))),
                (
                    #"{"type":"join","room":"lobby","namespace":"acme","name":"Ada","metadata":{"a":[1]}}"#,
                    .join(.init(room: tenant, name: "Ada", metadata: #"{"a":[1]}"#))
                ),
                (#"{"type":"leave"}"#, .leave),
                (#"{"type":"update","metadata":{ "hand" : true }}"#, .update(metadata: #"{"hand":true}"#)),
                (#"{"type":"send","text":"hi"}"#, .send(to: nil, text: "hi")),
                (#"{"type":"send","text":"hi","to":"p1"}"#, .send(to: someone, text: "hi")),
                (#"{"type":"kick","participant":"p1","reason":"spam"}"#, .kick(someone, reason: "spam")),
                (#"{"type":"close"}"#, .close(reason: nil)),
                (#"{"type":"snapshot"}"#, .snapshot),
                (#"{"type":"ping"}"#, .ping),
            ] + MediaMessages.all
        for (text, message) in messages {
            #expect(try parse(text) == ClientRequest(message: message))
            let numbered = text.dropLast() + #","id":5,"something":{"new":[]}}"#
            #expect(try parse(String(numbered)) == ClientRequest(id: 5, message: message))
            for length in 0..<text.utf8.count {
                #expect(throws: RejectedMessage.self) {
                    try ClientRequest(parsing: Array(text.utf8.prefix(length)).span)
                }
            }
        }
        let read = Set(
            messages.compactMap { text, _ in try? JSONReader.read(Array(text.utf8).span)["type"] }.map(\.text))
        #expect(read.count == ClientMessage.Kind.allCases.count)
    }

    @Test(arguments: [
        ("[]", SignalingError.Code.malformedMessage), ("x", .malformedMessage), ("{}", .badField),
        (#"{"type":"dance"}"#, .unknownType), (#"{"type":7}"#, .badField), (#"{"type":"join"}"#, .badField),
        (#"{"type":"join","room":"../x"}"#, .badField), (#"{"type":"join","room":"a","namespace":"a.b"}"#, .badField),
        (#"{"type":"join","room":"a","metadata":[]}"#, .badField), (#"{"type":"join","room":null}"#, .badField),
        (#"{"type":"update"}"#, .badField), (#"{"type":"send"}"#, .badField),
        (#"{"type":"send","text":"","to":"a/b"}"#, .badField), (#"{"type":"kick"}"#, .badField),
        (#"{"type":"ping","id":-1}"#, .badField), (#"{"type":"ping","id":1.5}"#, .badField),
        (#"{"type":"ping","id":9007199254740992}"#, .badField), (#"{"type":"ping","id":"1"}"#, .badField),
        (#"{"type":"authenticate","resume":{"session":"s"}}"#, .badField),
        (#"{"type":"authenticate","resume":"s"}"#, .badField),
    ])
    func `what is wrong has a code, and a cure`(text: String, code: SignalingError.Code) throws {
        let rejected = try #require(throws: RejectedMessage.self) { try parse(text) }
        #expect(rejected.error.code == code)
        #expect(!rejected.error.cure.isEmpty)
    }

    @Test func `an error bears the number of its message where that could be read`() throws {
        let rejected = try #require(throws: RejectedMessage.self) { try parse(#"{"type":"dance","id":12}"#) }
        #expect(rejected.id == 12)
    }

    @Test func `size and tokens are bounded`() throws {
        let text = { (count: Int) in #"{"type":"send","text":""# + String(repeating: "x", count: count) + #""}"# }
        let frame = text(0).utf8.count
        _ = try parse(text(ClientRequest.maximumSize - frame))
        let large = try #require(throws: RejectedMessage.self) {
            try parse(text(ClientRequest.maximumSize - frame + 1))
        }
        #expect(large.error.code == .messageTooLarge)
        let token = String(repeating: "x", count: 8 << 10)
        _ = try parse(#"{"type":"authenticate","token":"\#(token)"}"#)
        #expect(throws: RejectedMessage.self) { try parse(#"{"type":"authenticate","token":"\#(token)x"}"#) }
    }

    // MARK: Binary messages

    @Test func `a binary message names its recipient before its payload`() throws {
        #expect(try BinaryMessage(parsing: ([1, 0, 9, 8] as [UInt8]).span) == BinaryMessage(payload: [9, 8]))
        let someone = try #require(ParticipantID("p1"))
        #expect(
            try BinaryMessage(parsing: ([1, 2, 0x70, 0x31, 9] as [UInt8]).span)
                == BinaryMessage(recipient: someone, payload: [9]))
        for bytes: [UInt8] in [
            [], [1], [2, 0], [1, 2], [1, 2, 0x70], [1, 1, 0x2F], [1, 40] + Array(repeating: 0x70, count: 40),
        ] {
            #expect(throws: SignalingError.self) { try BinaryMessage(parsing: bytes.span) }
        }
        let large = [1, 0] + [UInt8](repeating: 0, count: BinaryMessage.maximumSize)
        let error = try #require(throws: SignalingError.self) { try BinaryMessage(parsing: large.span) }
        #expect(error.code == .messageTooLarge)
        #expect(
            BinaryMessage.bytes(event: 0x0102, from: someone, isPrivate: true, payload: [7])
                == [1, 1, 0, 0, 0, 0, 0, 0, 1, 2, 2, 0x70, 0x31, 7])
    }

    // MARK: Messages of the gateway

    @Test func `names and messages that people chose cannot break out of their strings`() throws {
        let nasty = "\"}],\u{0}\u{2028}\\ 😀"
        let participant = Participant(
            id: try #require(ParticipantID("p1")), role: .publisher, name: nasty, metadata: #"{"a":1}"#)
        for event: RoomEvent in [.joined(participant), .message(from: participant.id, isPrivate: false, .text(nasty))] {
            guard case .text(let text) = ServerMessage.event(number: 3, event).frame else {
                Issue.record("no text")
                continue
            }
            let value = try JSONReader.read(Array(text.utf8).span)
            #expect(value["event"] == .number("3"))
            let found = value["participant"]?["name"] ?? value["text"]
            #expect(found == .string(nasty))
        }
    }

    @Test func `a binary message of another participant comes as a binary frame`() throws {
        let id = try #require(ParticipantID("p1"))
        let message = ServerMessage.event(number: 1, .message(from: id, isPrivate: false, .binary([5])))
        #expect(message.frame == .binary([1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0x70, 0x31, 5]))
    }

    @Test func `the schemas know every type and every code`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "signaling/schema")
        func constants(_ file: String, _ member: String) throws -> Set<String> {
            let data = try Data(contentsOf: folder.appending(path: file))
            let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            let definitions = try #require(schema["$defs"] as? [String: [String: Any]])
            return Set(
                definitions.values.compactMap {
                    (($0["properties"] as? [String: Any])?[member] as? [String: Any])?["const"] as? String
                })
        }
        #expect(try constants("client-message.json", "type") == Set(ClientMessage.Kind.allCases.map(\.rawValue)))
        #expect(try constants("server-message.json", "type") == Set(ServerMessage.Kind.allCases.map(\.rawValue)))
        let data = try Data(contentsOf: folder.appending(path: "server-message.json"))
        let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let definitions = try #require(schema["$defs"] as? [String: [String: Any]])
        let codes = try #require(definitions["code"]?["enum"] as? [String])
        #expect(Set(codes) == Set(SignalingError.Code.allCases.map(\.rawValue)))
        let causes = try #require(definitions["cause"]?["enum"] as? [String])
        #expect(Set(causes) == Set(Departure.allCases.map(\.rawValue)))
    }
}
