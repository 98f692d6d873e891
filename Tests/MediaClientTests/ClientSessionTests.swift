import Media
import MediaClient
import Primitives
import RTP
import TestSupport
import Testing
import WebRTC

private func filler(_ count: Int, seed: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31 &+ seed &* 7) % 255 + 1) }
}

private func unit(_ bytes: [UInt8]) -> [UInt8] {
    [0, 0, UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
}

/// The picture number `index` of 30 a second, a key frame each second.
private func picture(_ index: Int, size: Int = 900) -> EncodedFrame {
    let isKeyFrame = index % 30 == 0
    let sets = isKeyFrame ? unit([0x67, 0x42, 0, 0x1F]) + unit([0x68, 0xCE]) : []
    let time = Int64(index) * 1_000_000 / 30
    return EncodedFrame(
        codec: .h264, decodeTime: time, presentationTime: time, isKeyFrame: isKeyFrame,
        payload: sets + unit([isKeyFrame ? 0x65 : 0x41, 0x80] + filler(size, seed: index)))
}

private func sound(_ index: Int) -> EncodedFrame {
    EncodedFrame(
        codec: .opus, decodeTime: Int64(index) * 20_000, presentationTime: Int64(index) * 20_000, isKeyFrame: true,
        payload: [0xFC] + filler(60, seed: index))
}

private let tracks = [TrackDescription(codec: .h264), TrackDescription(codec: .opus, channels: 2)]

@Suite("A client that publishes")
struct PublishingSessionTests {
    private func connected() throws -> VirtualNetwork {
        let network = try VirtualNetwork(.publish(tracks))
        network.connect()
        try #require(network.events == [.connected])
        #expect(network.server?.isConnected == true)
        return network
    }

    @Test func `its frames arrive whole, each track with reports from the first packet on`() throws {
        let network = try connected()
        for index in 0..<60 {
            network.send(picture(index))
            network.send(sound(index))
            network.run(for: .milliseconds(33))
        }
        network.run(for: .milliseconds(50))
        let server = try #require(network.server)
        for (track, sent) in [(0, (0..<60).map { picture($0) }), (1, (0..<60).map(sound))] {
            let negotiated = server.publishedTracks[track]
            var depacketizer = RTPDepacketizer(codec: negotiated.description.codec)
            var sequences = SequenceUnwrapper()
            let frames = server.packets.filter { $0.header.payloadType == negotiated.payloadType }.flatMap { packet in
                depacketizer.receive(
                    packet.payload.span, sequence: sequences.unwrap(packet.header.sequenceNumber),
                    timestamp: packet.header.timestamp, marker: packet.header.marker)
            }
            #expect(frames.map(\.frame.payload) == sent.map(\.payload))
            #expect(frames.allSatisfy { $0.isComplete })
        }
        let reports = server.senderReports
        #expect(Set(reports.map(\.ssrc)).count == 2)
        #expect(reports.count >= 4)
        // Both clocks of one report must tell the same time: 20 ms of sound are 960 ticks.
        let audio = reports.filter { $0.ssrc == server.publishedTracks[1].ssrcs.first }
        let first = try #require(audio.first)
        let last = try #require(audio.last)
        let elapsed = last.ntpTime.since(first.ntpTime)
        #expect(abs(Int64(last.rtpTimestamp &- first.rtpTimestamp) - elapsed.ticks(atRate: 48_000)) < 48)
        #expect(network.statistics.outgoing.map(\.frames) == [60, 60])
    }

    @Test func `nothing is sent before the first key frame`() throws {
        let network = try connected()
        for index in 20..<40 { network.send(picture(index)) }
        network.run(for: .milliseconds(50))
        let timestamps = Set(network.server?.packets.map(\.header.timestamp) ?? [])
        #expect(timestamps.count == 10)
    }

    @Test func `a configuration goes ahead of key frames that lack it`() throws {
        let network = try connected()
        network.apply { session, _ in session.configure(.h264(sps: [[0x67, 1]], pps: [[0x68, 2]])) }
        var frame = picture(0)
        frame.payload = unit([0x65, 0x80, 1])
        network.send(frame)
        network.run(for: .milliseconds(50))
        let units = network.server?.packets.first.map { $0.payload }
        #expect(units == [0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 2, 0, 3, 0x65, 0x80, 1])
    }

    @Test func `packets that the server misses are sent again on the stream for that`() throws {
        let network = try connected()
        network.send(picture(0, size: 5_000))
        network.run(for: .milliseconds(50))
        let server = try #require(network.server)
        let track = server.publishedTracks[0]
        let original = server.packets[2]
        let asked = [original.header.sequenceNumber, original.header.sequenceNumber &+ 1_000]
        server.send([.genericNACK(GenericNACK(senderSSRC: 1, mediaSSRC: original.header.ssrc, lost: asked))])
        network.settle()
        network.run(for: .milliseconds(50))
        let repeated = server.packets.filter { $0.header.payloadType == track.rtxPayloadType }
        #expect(repeated.count == 1)
        let number = original.header.sequenceNumber
        #expect(repeated.first?.payload == [UInt8(number >> 8), UInt8(number & 255)] + original.payload)
        #expect(repeated.first?.header.timestamp == original.header.timestamp)
        #expect(repeated.first?.header.ssrc == track.rtxSSRCs.first)
        #expect(network.statistics.outgoing[0].retransmissions == 1)
    }

    @Test func `a server that asks for the same packet for ever gets it a bounded number of times`() throws {
        let network = try connected()
        network.send(picture(0))
        network.run(for: .milliseconds(50))
        let server = try #require(network.server)
        let packet = server.packets[0].header
        let lost = Array(repeating: packet.sequenceNumber, count: 200)
        for _ in 0..<20 {
            server.send([.genericNACK(GenericNACK(senderSSRC: 1, mediaSSRC: packet.ssrc, lost: lost))])
        }
        network.settle()
        network.run(for: .milliseconds(50))
        #expect(network.statistics.outgoing[0].retransmissions == 1_024)
    }

    @Test func `requests for a key frame reach the encoder, repetitions of one do not`() throws {
        let network = try connected()
        network.send(picture(0))
        network.run(for: .milliseconds(50))
        let server = try #require(network.server)
        let ssrc = server.packets[0].header.ssrc
        let full = RTCPPacket.fullIntraRequest(
            FullIntraRequest(senderSSRC: 1, entries: [FullIntraRequest.Entry(ssrc: ssrc, sequenceNumber: 7)]))
        server.send([.pictureLossIndication(senderSSRC: 1, mediaSSRC: ssrc), full, full])
        server.send([.pictureLossIndication(senderSSRC: 1, mediaSSRC: 12_345)])
        network.settle()
        network.run(for: .milliseconds(50))
        let requests = network.events.filter { $0 == .keyFrameRequested(track: 0) }
        #expect(requests.count == 2)
    }

    @Test func `what the server reports shows in the figures`() throws {
        let network = try connected()
        network.send(picture(0))
        network.run(for: .seconds(2))
        let server = try #require(network.server)
        let report = try #require(server.senderReports.last)
        var block = ReportBlock(ssrc: report.ssrc, cumulativeLost: 3, jitter: 900)
        block.lastSenderReport = report.ntpTime.compact
        server.send([.receiverReport(ReceiverReport(ssrc: 1, reportBlocks: [block]))])
        network.settle()
        network.run(for: .milliseconds(50))
        let figures = network.statistics.outgoing[0]
        #expect(figures.lost == 3)
        #expect(figures.jitter == .milliseconds(10))
        #expect(figures.roundTrip != nil)
    }

    @Test func `it leaves with a goodbye and close_notify`() throws {
        let network = try connected()
        network.send(picture(0))
        network.apply { $0.close(at: $1) }
        network.run(for: .milliseconds(50))
        #expect(network.server?.saidGoodbye == true)
        #expect(network.server?.isClosed == true)
        #expect(network.events.last == .ended(.requested))
        #expect(network.hasEnded)
    }
}

@Suite("A client that watches")
struct WatchingSessionTests {
    private func connected() throws -> VirtualNetwork {
        let network = try VirtualNetwork(.play([.h264, .vp8, .opus]), tracks: tracks)
        network.connect()
        try #require(network.events == [.connected])
        return network
    }

    private func play(_ network: VirtualNetwork, pictures: Range<Int>, size: Int = 900) throws {
        let server = try #require(network.server)
        for index in pictures {
            try server.send(picture(index, size: size), track: 0)
            try server.send(sound(index), track: 1)
            network.settle()
            network.run(for: .milliseconds(33))
        }
        // The last gap is given up, and frames that waited for a clock are given out.
        network.run(for: .seconds(2))
    }

    @Test func `frames come out whole, in order and counted`() throws {
        let network = try connected()
        try play(network, pictures: 0..<60)
        let pictures = network.frames.filter { $0.codec == .h264 }
        #expect(pictures.map(\.payload) == (0..<60).map { picture($0).payload })
        #expect(network.frames.filter { $0.codec == .opus }.map(\.payload) == (0..<60).map { sound($0).payload })
        let times = pictures.map(\.decodeTime)
        #expect(times == times.sorted())
        let video = network.statistics.incoming[0]
        #expect(video.frames == 60)
        #expect(video.keyFrames == 2)
        #expect(video.lost == 0 && video.undecodable == 0 && video.unrecovered == 0)
        #expect(video.keyFrameRequests == 0)
        #expect(video.firstFrameAt != nil)
        #expect(network.server?.reportBlocks.isEmpty == false)
    }

    @Test func `the server's reports place the tracks beside each other, and no frame is nudged`() throws {
        let network = try connected()
        let server = try #require(network.server)
        try server.send(picture(0), track: 0)
        try server.send(sound(0), track: 1)
        network.settle()
        network.run(for: .milliseconds(100))
        #expect(network.frames.isEmpty, "the clock is not known yet")
        // Sound with timestamp 0 was made a fifth of a second after the picture with timestamp 0.
        let start = NTPTime(unixNanoseconds: 1_800_000_000_000_000_000)
        for (track, time) in [(0, start), (1, start.advanced(by: .milliseconds(200)))] {
            let ssrc = server.senders[track].ssrc
            server.send([
                .senderReport(
                    SenderReport(ssrc: ssrc, ntpTime: time, rtpTimestamp: 0, packetCount: 1, octetCount: 1))
            ])
        }
        network.settle()
        network.run(for: .milliseconds(50))
        try play(network, pictures: 1..<40)
        let video = network.frames.filter { $0.codec == .h264 }.map(\.decodeTime)
        let audio = network.frames.filter { $0.codec == .opus }.map(\.decodeTime)
        #expect(video.count == 40 && audio.count == 40)
        #expect(abs(try #require(audio.first) - #require(video.first) - 200_000) < 1_000)
        #expect(zip(video, video.dropFirst()).allSatisfy { (33_300...33_400).contains($1 - $0) })
        #expect(zip(audio, audio.dropFirst()).allSatisfy { $1 - $0 == 20_000 })
    }

    @Test func `frames of a server that sends no reports come by arrival, and all of them by the end`() throws {
        let network = try connected()
        let server = try #require(network.server)
        for index in 0..<10 { try server.send(picture(index), track: 0) }
        network.settle()
        network.run(for: .milliseconds(1_000))
        #expect(network.frames.isEmpty)
        network.run(for: .milliseconds(1_000))
        #expect(network.frames.count == 10)
        for index in 0..<10 { try server.send(sound(index), track: 1) }
        network.settle()
        network.run(for: .milliseconds(100))
        network.apply { $0.close(at: $1) }
        #expect(network.frames.count == 20)
    }

    @Test(arguments: [0.02, 0.1])
    func `what is lost is asked for, and hardly a frame is missing`(loss: Double) throws {
        let network = try connected()
        var generator = SeededGenerator(seed: 12)
        network.losesMedia = { Double.random(in: 0..<1, using: &generator) < loss }
        try play(network, pictures: 0..<120, size: 3_000)
        let video = network.statistics.incoming[0]
        #expect(video.lost > 10)
        #expect(video.repaired > 10)
        #expect(network.server?.nacks.isEmpty == false)
        #expect(video.frames >= 114, "\(video)")
    }

    @Test func `a loss that is not repaired costs the frames up to the next key frame, which is asked for`() throws {
        let network = try connected()
        network.server?.repairs = false
        var mediaPackets = 0
        network.losesMedia = {
            mediaPackets += 1
            return mediaPackets == 40
        }
        try play(network, pictures: 0..<90)
        let video = network.statistics.incoming[0]
        #expect(video.unrecovered == 1)
        #expect(video.keyFrameRequests >= 1)
        #expect(network.server?.keyFrameRequests == Int(video.keyFrameRequests))
        #expect(video.undecodable > 0)
        #expect(video.frames + video.undecodable == 90)
        // Every frame that came out can be decoded: none between the loss and the next key frame.
        let shown = network.frames.filter { $0.codec == .h264 }
        #expect(shown.count == Int(video.frames))
        let lostAt = try #require((0..<90).first { index in !shown.contains { $0.payload == picture(index).payload } })
        #expect(shown.dropFirst(lostAt).first?.isKeyFrame == true)
    }

    @Test func `a picture that never comes is asked for after a second`() throws {
        let network = try connected()
        network.run(for: .milliseconds(800))
        #expect(network.server?.keyFrameRequests == 0)
        network.run(for: .milliseconds(500))
        #expect(network.server?.keyFrameRequests == 1)
        network.run(for: .seconds(60))
        // A server that does not listen is not asked for ever as fast.
        #expect((20...45).contains(network.server?.keyFrameRequests ?? 0))
    }

    @Test func `pictures that follow a lost beginning are not shown`() throws {
        let network = try connected()
        try play(network, pictures: 5..<20)
        #expect(network.frames.allSatisfy { $0.codec == .opus })
        let video = network.statistics.incoming[0]
        #expect(video.undecodable == 15)
        #expect(video.keyFrameRequests > 0)
        #expect(video.firstFrameAt == nil)
    }

    @Test func `a server that leaves ends the session`() throws {
        let network = try connected()
        network.server?.close()
        network.settle()
        network.run(for: .milliseconds(50))
        #expect(network.events == [.connected, .ended(.closedByServer)])
    }

    @Test func `a server that falls silent ends the session after half a minute`() throws {
        let network = try connected()
        network.isCut = true
        network.run(for: .seconds(40))
        #expect(network.events == [.connected, .ended(.silent)])
    }

    @Test func `a server that cannot be reached ends the session after half a minute`() throws {
        let network = try VirtualNetwork(.play([.h264]), tracks: tracks, hasServer: false)
        network.run(for: .seconds(29))
        #expect(network.events.isEmpty)
        network.run(for: .seconds(2))
        #expect(network.events == [.ended(.unreachable)])
    }

    @Test func `datagrams of garbage change nothing and are counted`() throws {
        let network = try connected()
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<5_000 {
            let first = [UInt8](arrayLiteral: 0, 22, 0x80, 0x81, 0xFF).randomElement(using: &generator) ?? 0
            network.inject(
                [first]
                    + (0..<Int.random(in: 0...80, using: &generator)).map { _ in
                        UInt8.random(in: .min ... .max, using: &generator)
                    })
        }
        #expect(network.statistics.ignoredDatagrams > 1_000)
        #expect(!network.hasEnded)
        try play(network, pictures: 0..<5)
        #expect(network.statistics.incoming[0].frames == 5)
    }
}
