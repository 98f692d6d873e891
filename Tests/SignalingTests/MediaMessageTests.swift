import Rooms
import Signaling
import Testing

/// Messages about media, with what is read of them.
enum MediaMessages {
    static let camera = TrackReference(participant: ParticipantID("p1")!, track: TrackName("camera")!)

    static let all: [(String, ClientMessage)] = [
        (
            #"{"type":"publish","sdp":"v=0","tracks":[{"mid":"0","track":"camera","source":"camera","metadata":{"a":1}}]}"#,
            .media(
                .publish(
                    sdp: "v=0",
                    tracks: [.init(mid: "0", track: camera.track, source: .camera, metadata: #"{"a":1}"#)]))
        ),
        (#"{"type":"unpublish"}"#, .media(.unpublish)),
        (#"{"type":"subscribe","all":true}"#, .media(.subscribe(.all))),
        (
            #"{"type":"subscribe","tracks":[{"participant":"p1","track":"camera"}]}"#,
            .media(.subscribe(.tracks([camera])))
        ),
        (#"{"type":"unsubscribe","all":true}"#, .media(.unsubscribe(.all))),
        (#"{"type":"subscription-answer","offer":3,"sdp":"v=0"}"#, .media(.answer(offer: 3, sdp: "v=0"))),
        (#"{"type":"subscription-restart"}"#, .media(.restart)),
        (#"{"type":"mute","track":"camera"}"#, .media(.setMuted(true, camera.track))),
        (#"{"type":"unmute","track":"camera"}"#, .media(.setMuted(false, camera.track))),
        (#"{"type":"layer","participant":"p1","track":"camera"}"#, .media(.layer(camera, .best))),
        (#"{"type":"layer","participant":"p1","track":"camera","rid":"h"}"#, .media(.layer(camera, .named("h")))),
        (#"{"type":"layer","participant":"p1","track":"camera","height":180}"#, .media(.layer(camera, .height(180)))),
        (#"{"type":"layer","participant":"p1","track":"camera","off":true}"#, .media(.layer(camera, .off))),
    ]
}

@Suite("Messages about media")
struct MediaMessageTests {
    private static func references(_ count: Int) -> String {
        "[" + Array(repeating: #"{"participant":"p1","track":"a"}"#, count: count).joined(separator: ",") + "]"
    }

    @Test(arguments: [
        #"{"type":"publish","tracks":[]}"#, #"{"type":"publish","sdp":"","tracks":{}}"#,
        #"{"type":"publish","sdp":"","tracks":[1]}"#, #"{"type":"publish","sdp":"","tracks":[{"track":"a"}]}"#,
        #"{"type":"publish","sdp":"","tracks":[{"mid":"0","track":".a"}]}"#,
        #"{"type":"publish","sdp":"","tracks":[{"mid":"0","track":"a","source":"sun"}]}"#,
        #"{"type":"subscribe"}"#, #"{"type":"subscribe","all":1}"#, #"{"type":"subscribe","tracks":[{"track":"a"}]}"#,
        #"{"type":"subscription-answer","sdp":"v=0"}"#, #"{"type":"mute"}"#, #"{"type":"layer","track":"a"}"#,
    ])
    func `what is wrong in a message about media is named`(text: String) throws {
        let rejected = try #require(throws: RejectedMessage.self) { try parse(text) }
        #expect(rejected.error.code == .badField)
    }

    @Test func `descriptions and lists are bounded`() throws {
        let description = { (count: Int) in
            #"{"type":"publish","tracks":[],"sdp":""# + String(repeating: "x", count: count) + #""}"#
        }
        _ = try parse(description(60 << 10))
        #expect(throws: RejectedMessage.self) { try parse(description((60 << 10) + 1)) }
        _ = try parse(#"{"type":"subscribe","tracks":\#(Self.references(64))}"#)
        #expect(throws: RejectedMessage.self) { try parse(#"{"type":"subscribe","tracks":\#(Self.references(65))}"#) }
    }

    @Test func `an offer says what each section carries`() throws {
        let message = ServerMessage.subscriptionOffer(
            .init(number: 4, sdp: "v=0\r\n", tracks: [.init(mid: "2", track: MediaMessages.camera)]))
        let expected =
            #"{"type":"subscription-offer","offer":4,"sdp":"v=0\u000d\u000a","#
            + #""tracks":[{"mid":"2","participant":"p1","track":"camera"}]}"#
        #expect(message.frame == .text(expected))
    }
}
