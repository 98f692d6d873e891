import Media
import Primitives
import RTMP
import TestSupport
import Testing

@Suite("The server's side of a session")
struct ServerSessionTests {
    private let peer = ServerHarness()

    @Test func `connect is answered with a result that names what we carry`() throws {
        try peer.connect()
        let result = try #require(peer.commands.first)
        #expect(result[0] == .string("_result") && result[1] == .number(1))
        #expect(result[3].members?["code"] == .string("NetConnection.Connect.Success"))
        #expect(result[3].members?["objectEncoding"] == .number(0))
        let properties = try #require(result[2].members)
        guard case .strictArray(let codes)? = properties["fourCcList"] else { throw Unexpected() }
        #expect(Set(codes.compactMap(\.string)) == ["avc1", "hvc1", "av01", "vp09", "vp08", "Opus", "mp4a"])
        #expect(properties["videoFourCcInfoMap"]?.members?["hvc1"] == .number(4))
        #expect(properties["capsEx"] == .number(12))
        #expect(
            peer.sent.map(\.type).prefix(3) == [.windowAcknowledgementSize, .setPeerBandwidth, .setChunkSize]
        )
        #expect(peer.commands[1] == [.string("_result"), .number(2), .null, .number(1)])
    }

    @Test func `a publisher is asked about, let in and heard`() throws {
        try peer.connect()
        try peer.publish("cam?token=t1")
        let request = try #require(peer.requests.first)
        #expect(request.streamName.description == "cam")
        #expect(request.parameters["token"]?.revealed == "t1")
        #expect(peer.lastStatus == nil)
        try peer.accept()
        #expect(peer.lastStatus?["code"] == .string("NetStream.Publish.Start"))
        #expect(peer.lastStatus?["level"] == .string("status"))

        try peer.video(SampleMedia.videoHeader, at: 0)
        try peer.audio(SampleMedia.audioHeader, at: 0)
        try peer.video(SampleMedia.keyFrame, at: 0)
        try peer.audio(SampleMedia.audioFrame, at: 10)
        try peer.video(SampleMedia.frame, at: 33)
        #expect(
            peer.configurations == [
                .h264(sps: [SampleMedia.sps], pps: [SampleMedia.pps]), .aac(audioSpecificConfig: [0x11, 0x90]),
            ]
        )
        #expect(peer.frames.map(\.codec) == [.h264, .aac, .h264])
        #expect(peer.frames.map(\.decodeTime) == [0, 10_000, 33_000])
        #expect(peer.frames.map(\.isKeyFrame) == [true, true, false])
        #expect(peer.frames.first?.payload == SampleMedia.idr)
        #expect(peer.closed == nil && peer.warnings.isEmpty)
    }

    @Test func `media sent before the answer is kept, not lost`() throws {
        try peer.connect()
        try peer.publish()
        try peer.video(SampleMedia.videoHeader, at: 0)
        try peer.video(SampleMedia.keyFrame, at: 0)
        #expect(peer.frames.isEmpty)
        try peer.accept()
        #expect(peer.configurations.count == 1 && peer.frames.count == 1)
    }

    @Test func `too much media before the answer ends the connection`() throws {
        try peer.connect()
        try peer.publish()
        let frame = [0x17, 1, 0, 0, 0] + [UInt8](repeating: 0, count: 300_000)
        for time in UInt32(0)..<4 { try peer.video(frame, at: time) }
        #expect(peer.closed == .tooMuchBuffered)
    }

    @Test func `a refusal reaches the encoder as an error, and ends the connection`() throws {
        try peer.connect()
        try peer.publish()
        try peer.refuse(code: RTMPStatusCode.publishDenied, description: "make a token")
        #expect(peer.lastStatus?["level"] == .string("error"))
        #expect(peer.lastStatus?["code"] == .string("NetStream.Publish.Denied"))
        #expect(peer.lastStatus?["description"] == .string("make a token"))
        #expect(peer.sent.last?.streamID == 1)
        #expect(peer.closed == .refused(code: RTMPStatusCode.publishDenied, description: "make a token"))
        try peer.video(SampleMedia.videoHeader, at: 0)
        #expect(peer.configurations.isEmpty)
    }

    @Test(arguments: [("live", ".."), ("live", "a/b"), ("vod", "cam"), ("live", "")])
    func `an address that cannot be is refused at once`(app: String, key: String) throws {
        try peer.connect(app: app)
        try peer.publish(key)
        #expect(peer.requests.isEmpty)
        #expect(peer.lastStatus?["code"] == .string("NetStream.Publish.BadName"))
        #expect(peer.closed != nil)
    }

    @Test func `a publisher that is taken over reads why`() throws {
        try peer.goLive()
        try peer.close(code: RTMPStatusCode.publishBadName, description: "another publisher took over")
        #expect(peer.lastStatus?["description"] == .string("another publisher took over"))
        #expect(peer.closed != nil && peer.deadline == nil)
    }

    @Test func `unpublishing ends the publication and leaves the connection open for the next`() throws {
        try peer.goLive()
        try peer.command("FCUnpublish", 4, [.null, .string("cam")])
        #expect(peer.lastStatus?["code"] == .string("NetStream.Unpublish.Success"))
        guard case .unpublished? = peer.outputs.last else { throw Unexpected() }
        try peer.command("deleteStream", 5, [.null, .number(1)])
        #expect(peer.outputs.count == 2)
        try peer.command("createStream", 6, [.null])
        #expect(peer.commands.last == [.string("_result"), .number(6), .null, .number(2)])
        try peer.command("publish", 7, [.null, .string("other"), .string("live")], on: 2)
        #expect(peer.requests.last?.streamName.description == "other")
    }

    @Test func `deleteStream alone ends the publication too`() throws {
        try peer.goLive()
        try peer.command("deleteStream", 5, [.null, .number(7)])
        #expect(peer.outputs.count == 1)
        try peer.command("deleteStream", 5, [.null, .number(1)])
        guard case .unpublished? = peer.outputs.last else { throw Unexpected() }
    }

    @Test func `a second stream on one connection is refused`() throws {
        try peer.goLive()
        try peer.publish("other")
        #expect(peer.lastStatus?["code"] == .string("NetStream.Publish.BadName"))
        #expect(peer.closed != nil)
    }

    @Test func `publish before connect is refused`() throws {
        try peer.handshake()
        try peer.publish()
        #expect(peer.lastStatus?["code"] == .string("NetConnection.Connect.Rejected"))
    }

    @Test(arguments: ["releaseStream", "FCPublish", "_checkbw"])
    func `commands that encoders expect a result of get one`(name: String) throws {
        try peer.connect()
        try peer.command(name, 9, [.null, .string("cam")])
        #expect(peer.commands.last?.prefix(2) == [.string("_result"), .number(9)])
    }

    @Test func `unknown commands get an error, and none when they want no answer`() throws {
        try peer.connect()
        let before = peer.commands.count
        try peer.command("juggle", 0, [.null])
        #expect(peer.commands.count == before)
        try peer.command("juggle", 9, [.null])
        #expect(peer.commands.last?.prefix(2) == [.string("_error"), .number(9)])
        #expect(peer.closed == nil)
    }

    @Test func `players are told where to watch`() throws {
        try peer.connect()
        try peer.command("play", 4, [.null, .string("cam")], on: 1)
        #expect(peer.lastStatus?["code"] == .string("NetStream.Play.Failed"))
    }

    @Test func `commands in an AMF3 envelope are understood`() throws {
        try peer.handshake()
        var body = ByteWriter()
        body.write(UInt8(0))
        body.writeAMF0([.string("connect"), .number(1), .object(["app": .string("live")])])
        try peer.send(RTMPMessage(type: .commandAMF3, payload: body.bytes))
        #expect(peer.commands.first?.first == .string("_result"))
    }

    @Test func `pings are answered`() throws {
        try peer.connect()
        try peer.send(RTMPMessage(type: .userControl, payload: [0, 6, 1, 2, 3, 4]))
        #expect(peer.sent.last == RTMPMessage(type: .userControl, payload: [0, 7, 1, 2, 3, 4]))
    }

    @Test func `received bytes are acknowledged once a window`() throws {
        try peer.goLive()
        try peer.send(RTMPMessage(type: .windowAcknowledgementSize, payload: [0, 0, 0x20, 0]))
        for time in UInt32(0)..<100 { try peer.audio([0xAF, 1] + [UInt8](repeating: 0, count: 1_000), at: time) }
        let acknowledged = peer.sent.filter { $0.type == .acknowledgement }
        #expect((11...13).contains(acknowledged.count))
    }

    @Test func `metadata is passed on, and unreadable metadata is not missed`() throws {
        try peer.goLive()
        var body = ByteWriter()
        body.writeAMF0([.string("@setDataFrame"), .string("onMetaData"), .ecmaArray(["width": .number(640)])])
        try peer.send(RTMPMessage(type: .dataAMF0, streamID: 1, payload: body.bytes))
        guard case .metadata(let metadata)? = peer.outputs.last else { throw Unexpected() }
        #expect(metadata == ["width": .number(640)])
        let count = peer.outputs.count
        try peer.send(RTMPMessage(type: .dataAMF0, streamID: 1, payload: Array(body.bytes.dropLast(2))))
        #expect(peer.outputs.count == count)
    }

    @Test func `an aggregate message is taken apart`() throws {
        try peer.goLive()
        func tag(_ type: UInt8, _ time: UInt8, _ body: [UInt8]) -> [UInt8] {
            [type, 0, 0, UInt8(body.count), 0, 0, time, 0, 0, 0, 0] + body + [0, 0, 0, UInt8(body.count + 11)]
        }
        try peer.video(SampleMedia.videoHeader, at: 1_000)
        let tags = tag(9, 50, SampleMedia.keyFrame) + tag(9, 90, SampleMedia.frame)
        try peer.send(RTMPMessage(type: .aggregate, streamID: 1, timestamp: 1_000, payload: tags))
        #expect(peer.frames.map(\.decodeTime) == [0, 40_000])
    }
}
