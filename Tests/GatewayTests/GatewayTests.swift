import Media
import MediaIO
import Primitives
import Synchronization
import Testing

@testable import Gateway

@Suite("Streams of frames and their viewers")
struct GatewayTests {
    @Test func `a stream that browsers cannot play is refused with the reason and the cure`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let ingest = try await harness.publishFrames(Encoded.reordering)
        let early = try await harness.watch()
        for (number, shown) in [(0, 1), (1, 3), (2, 2)] as [(Int64, Int64)] {
            ingest.write(Encoded.picture(number, shownAt: shown, isKeyFrame: number == 0))
        }
        await harness.hear(ingest)
        let refusal = try #require(await #expect(throws: GatewayRefusal.self) { try await harness.watch() })
        #expect(refusal.code == .reorderedVideo)
        #expect(refusal.code.status == 406 && refusal.code.name == "reordered-video")
        #expect(refusal.message.contains("B-frames") && refusal.message.contains("-bf 0"))
        #expect(try await harness.status().warnings.map(\.code) == ["b-frames"])
        // Whoever watches already would see it stall.
        let stream = try GatewayHarness.stream()
        #expect(await harness.gateway.entityTag(of: early.sessionID, stream: stream, kind: .viewer) == nil)

        ingest.configure(Encoded.baseline)
        await harness.hear(ingest)
        _ = try await harness.watch()
        #expect(try await harness.status().warnings.isEmpty)
    }

    @Test func `another picture size is shown, and viewers stay`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let ingest = try await harness.publishFrames(Encoded.baseline)
        _ = try await harness.watch()
        #expect(try await harness.status().tracks.first?.width == 642)
        ingest.configure(Encoded.baseline(widthInMacroblocks: 80, heightInMacroblocks: 45))
        await harness.hear(ingest)
        let status = try await harness.status()
        #expect((status.tracks.first?.width, status.tracks.first?.height) == (1280, 720))
        #expect(status.viewers == 1)
    }

    @Test func `another codec ends the viewers, who come back for the new one`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let ingest = try await harness.publishFrames(Encoded.baseline)
        _ = try await harness.watch()
        ingest.configure(.vp8)
        await harness.hear(ingest)
        let status = try await harness.status()
        #expect(status.viewers == 0)
        #expect(status.tracks.map(\.codec) == ["VP8", "opus"])
        let refusal = try #require(await #expect(throws: GatewayRefusal.self) { try await harness.watch() })
        #expect(refusal.code == .noCommonCodec && refusal.code.status == 406)
    }

    @Test func `a viewer's wish for a key frame reaches the publisher of the frames`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let requests = Mutex(0)
        _ = try await harness.publishFrames(
            Encoded.baseline, source: "demo", onKeyFrameRequest: { requests.withLock { $0 += 1 } })
        let track = try #require(await harness.gateway.streams[GatewayHarness.stream()]?.tracks.first)
        await harness.gateway.handle(.keyFrameRequested(track.id))
        await harness.gateway.handle(.keyFrameRequested(track.id + 100))
        #expect(requests.withLock { $0 } == 1)
    }

    @Test func `news of a publisher that was replaced counts for nothing`() async throws {
        let harness = try GatewayHarness(GatewayPolicy(takeover: .replace))
        defer { harness.stop() }
        let ends = Mutex<[IngestEnd]>([])
        let first = try await harness.publishFrames(Encoded.baseline) { end in ends.withLock { $0.append(end) } }
        _ = try await harness.publishFrames(Encoded.baseline)
        first.warn(IngestWarning(code: "old", message: "x"))
        first.finish()
        await harness.hear(first)
        let status = try await harness.status()
        #expect(status.state == "live" && status.warnings.isEmpty)
        #expect(ends.withLock { $0.count } == 1)
    }
}

@Suite("Draining")
struct DrainTests {
    @Test func `offers whose senders never came are not waited for`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        _ = try await harness.publish()
        #expect(await harness.gateway.connectedSessions == 0)
        // An hour, if it waited.
        await harness.gateway.drain(grace: .seconds(3600))
        #expect(await harness.gateway.sessions.isEmpty)
        #expect(await harness.gateway.streams.isEmpty)
    }

    @Test func `whoever is connected is waited for, and ended after the grace`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        _ = try await harness.publish()
        let session = try #require(await harness.gateway.sessions.values.first)
        await harness.gateway.handle(.connected(session.peer))
        #expect(await harness.gateway.connectedSessions == 1)
        async let drained: Void = harness.gateway.drain(grace: .seconds(3600))
        await harness.gateway.handle(.ended(session.peer, .closed))
        await drained
        #expect(await harness.gateway.streams.isEmpty)
    }

    @Test func `a gateway that drains takes nobody in`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        await harness.gateway.beginDraining()
        for attempt in [{ _ = try await harness.watch() }, { _ = try await harness.publish() }] {
            let refusal = try #require(await #expect(throws: GatewayRefusal.self) { try await attempt() })
            #expect(refusal.code == .draining && refusal.retryAfter != nil)
        }
        await #expect(throws: GatewayRefusal.self) { _ = try await harness.publishFrames(Encoded.baseline) }
    }
}

@Suite("Changing a session")
struct SessionChangeTests {
    private func trickle(_ ufrag: String, _ password: String) -> [UInt8] {
        Array("a=ice-ufrag:\(ufrag)\r\na=ice-pwd:\(password)\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n".utf8)
    }

    @Test func `candidates are taken, other credentials are not, and the session lives on`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let answer = try await harness.publish()
        let gateway = harness.gateway
        let stream = try GatewayHarness.stream()
        #expect(await gateway.entityTag(of: answer.sessionID, stream: stream, kind: .publisher) == answer.entityTag)
        #expect(answer.entityTag.hasPrefix("\"") && answer.entityTag.hasSuffix("\""))
        for fragment in [trickle("Rem0", "remotepasswordremotepass"), Array("a=end-of-candidates\r\n".utf8)] {
            try await gateway.addCandidates(fragment, session: answer.sessionID, stream: stream, kind: .publisher)
        }
        for (fragment, code) in [
            (trickle("Othr", "anotherpasswordanother12"), GatewayRefusal.Code.restartNotSupported),
            (Array("a=ice-ufrag:Rem0\r\n".utf8), .malformedFragment), ([0xFF, 0x00], .malformedFragment),
        ] {
            let refusal = try #require(
                await #expect(throws: GatewayRefusal.self) {
                    try await gateway.addCandidates(
                        fragment, session: answer.sessionID, stream: stream, kind: .publisher)
                })
            #expect(refusal.code == code)
            #expect(!refusal.message.contains("Othr"))
        }
        #expect(await gateway.entityTag(of: answer.sessionID, stream: stream, kind: .publisher) != nil)
        #expect(await gateway.entityTag(of: answer.sessionID, stream: stream, kind: .viewer) == nil)
    }
}
