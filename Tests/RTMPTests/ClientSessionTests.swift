import Media
import Primitives
import RTMP
import TestSupport
import Testing

/// A client and a server session joined by a wire that cuts bytes into pieces of one size.
private final class Pair {
    var client: RTMPClientSession
    var server: RTMPServerSession
    let pieces: Int
    var serverOutputs: [RTMPServerSession.Output] = []
    var clientOutputs: [RTMPClientSession.Output] = []
    var decide: (inout RTMPServerSession) -> Void = { $0.acceptPublish() }

    init(url: String, pieces: Int) throws {
        guard let url = RTMPURL(url) else { throw Unexpected() }
        var generator = SeededGenerator(seed: 5)
        client = RTMPClientSession(publishingTo: url, now: .zero, using: &generator)
        server = RTMPServerSession(now: .zero, using: &generator)
        self.pieces = pieces
    }

    /// Carries bytes to and fro until both sides have nothing more to say.
    func run() {
        var isBusy = true
        while isBusy {
            isBusy = false
            while let output = client.nextOutput() {
                isBusy = true
                guard case .send(let bytes) = output else {
                    clientOutputs.append(output)
                    continue
                }
                for start in stride(from: 0, to: bytes.count, by: pieces) {
                    server.receive(bytes.span.extracting(start..<min(start + pieces, bytes.count)), at: .zero)
                }
            }
            while let output = server.nextOutput() {
                isBusy = true
                guard case .send(let bytes) = output else {
                    serverOutputs.append(output)
                    if case .publishRequested = output { decide(&server) }
                    continue
                }
                for start in stride(from: 0, to: bytes.count, by: pieces) {
                    client.receive(bytes.span.extracting(start..<min(start + pieces, bytes.count)), at: .zero)
                }
            }
        }
    }
}

@Suite("Client and server sessions")
struct ClientSessionTests {
    private static func frame(_ codec: Codec, _ time: Int64, _ payload: [UInt8], key: Bool = true) -> EncodedFrame {
        EncodedFrame(
            codec: codec,
            decodeTime: time,
            presentationTime: time,
            isKeyFrame: key,
            payload: payload
        )
    }

    @Test(arguments: [1, 3, 100, 1_000_000])
    func `what the client publishes arrives, however the wire cuts it`(pieces: Int) throws {
        let pair = try Pair(url: "rtmp://localhost/live/cam?token=x", pieces: pieces)
        pair.run()
        #expect(pair.clientOutputs == [.publishing])
        let configuration = CodecConfiguration.h264(sps: [SampleMedia.sps], pps: [SampleMedia.pps])
        let large: [UInt8] = [0, 1, 0, 1, 0x65] + [UInt8](repeating: 0x5A, count: 65_536)
        pair.client.configure(configuration)
        pair.client.configure(.aac(audioSpecificConfig: [0x11, 0x90]))
        pair.client.write(Self.frame(.h264, 0, large))
        pair.client.write(Self.frame(.aac, 21_000, [1, 2, 3]))
        var reordered = Self.frame(.h264, 33_000, SampleMedia.slice, key: false)
        reordered.presentationTime = 66_000
        pair.client.write(reordered)
        pair.client.finish()
        pair.run()

        var frames: [EncodedFrame] = []
        var configurations: [CodecConfiguration] = []
        var isUnpublished = false
        for output in pair.serverOutputs {
            switch output {
            case .frame(let frame): frames.append(frame)
            case .configuration(let configuration): configurations.append(configuration)
            case .unpublished: isUnpublished = true
            case .publishRequested(let request): #expect(request.parameters["token"]?.revealed == "x")
            default: throw Unexpected()
            }
        }
        #expect(configurations == [configuration, .aac(audioSpecificConfig: [0x11, 0x90])])
        #expect(frames.map(\.payload) == [large, [1, 2, 3], SampleMedia.slice])
        #expect(frames.map(\.decodeTime) == [0, 21_000, 33_000])
        #expect(frames.map(\.presentationTime) == [0, 21_000, 66_000])
        #expect(frames.map(\.isKeyFrame) == [true, true, false])
        #expect(isUnpublished)
    }

    @Test(arguments: [
        CodecConfiguration.opus(channels: 1), .vp8, .vp9, .av1(configurationOBUs: [0x0A, 0x01, 0x00]),
    ])
    func `other codecs travel by Enhanced RTMP`(configuration: CodecConfiguration) throws {
        let pair = try Pair(url: "rtmp://localhost/live/cam", pieces: 1_000)
        pair.run()
        pair.client.configure(configuration)
        pair.client.write(Self.frame(configuration.codec, 0, [1, 2, 3]))
        pair.run()
        let received = pair.serverOutputs.compactMap { output in
            if case .configuration(let configuration) = output { configuration } else { nil }
        }
        #expect(received == [configuration])
        guard case .frame(let frame)? = pair.serverOutputs.last else { throw Unexpected() }
        #expect(frame.codec == configuration.codec && frame.payload == [1, 2, 3])
    }

    @Test func `a refusal reaches the client in the server's words`() throws {
        let pair = try Pair(url: "rtmp://localhost/live/cam", pieces: 1_000)
        pair.decide = { $0.refusePublish(code: RTMPStatusCode.publishDenied, description: "make a token") }
        pair.run()
        #expect(
            pair.clientOutputs == [
                .closed(.refusedByPeer(code: RTMPStatusCode.publishDenied, description: "make a token"))
            ]
        )
    }

    @Test func `a server that says nothing is given up`() throws {
        let pair = try Pair(url: "rtmp://localhost/live/cam", pieces: 1_000)
        pair.client.advance(to: .zero + .seconds(5))
        while let output = pair.client.nextOutput() {
            if case .closed(let error) = output { #expect(error == .handshakeTimedOut) }
        }
        #expect(pair.client.deadline == nil)
    }
}
