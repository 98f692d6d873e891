import Media
import MediaIO
import Primitives
import Synchronization
import Testing

@testable import Gateway

@Suite("Streams of frames and their viewers")
struct GatewayTests {
    @Test func `a stream that browsers cannot play is refused with the reason and the cure`() async throws {
        let harness = try GatewayHarness(GatewayPolicy(transcoding: TranscodingPolicy(maximum: 0)))
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
        let harness = try GatewayHarness(GatewayPolicy(transcoding: TranscodingPolicy(maximum: 0)))
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

    private func change(
        _ harness: GatewayHarness, _ session: String, _ fragment: [UInt8]
    ) async throws -> SessionRestart? {
        try await harness.gateway.change(
            session: session, stream: GatewayHarness.stream(), kind: .publisher, fragment: fragment)
    }

    @Test func `candidates are taken, and what is no fragment is not`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let answer = try await harness.publish()
        let stream = try GatewayHarness.stream()
        #expect(answer.entityTag.hasPrefix("\"") && answer.entityTag.hasSuffix("\""))
        for fragment in [trickle("Rem0", "remotepasswordremotepass"), Array("a=end-of-candidates\r\n".utf8)] {
            #expect(try await change(harness, answer.sessionID, fragment) == nil)
        }
        for fragment in [Array("a=ice-ufrag:Othr\r\n".utf8), [0xFF, 0x00]] {
            let refusal = try #require(
                await #expect(throws: GatewayRefusal.self) { try await change(harness, answer.sessionID, fragment) })
            #expect(refusal.code == .malformedFragment)
            #expect(!refusal.message.contains("Othr"))
        }
        let gateway = harness.gateway
        #expect(await gateway.entityTag(of: answer.sessionID, stream: stream, kind: .publisher) == answer.entityTag)
        #expect(await gateway.entityTag(of: answer.sessionID, stream: stream, kind: .viewer) == nil)
    }

    @Test func `other credentials restart ICE, with credentials and a tag of ours that are new`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let answer = try await harness.publish()
        let stream = try GatewayHarness.stream()
        var tags: Set = [answer.entityTag]
        var fragments: Set = [answer.sdp]
        for round in 1...4 {
            let own = trickle("Rem\(round)", "restartpassword\(round)restart")
            let restart = try #require(try await change(harness, answer.sessionID, own))
            #expect(tags.insert(restart.entityTag).inserted)
            #expect(fragments.insert(restart.fragment).inserted)
            #expect(restart.fragment.hasPrefix("a=ice-lite\r\n"))
            #expect(restart.fragment.contains("\r\na=mid:0\r\na=ice-ufrag:"))
            #expect(restart.fragment.contains(" typ host"))
            #expect(
                await harness.gateway.entityTag(of: answer.sessionID, stream: stream, kind: .publisher)
                    == restart.entityTag)
            // More candidates of the same restart, and late ones of the generation before it.
            #expect(try await change(harness, answer.sessionID, own) == nil)
            if round == 1 {
                let late = trickle("Rem0", "remotepasswordremotepass")
                #expect(try await change(harness, answer.sessionID, late) == nil)
            }
        }
        #expect(await harness.gateway.sessions[answer.sessionID]?.remotes.count == 2)
        #expect(try await harness.status().state == "live")
    }

    @Test func `a client that asks for a session that has failed is told why`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let answer = try await harness.publish()
        let session = try #require(await harness.gateway.sessions.values.first)
        await harness.gateway.handle(.ended(session.peer, .noChecks))
        let refusal = try #require(
            await #expect(throws: GatewayRefusal.self) {
                try await harness.gateway.end(
                    session: answer.sessionID, stream: GatewayHarness.stream(), kind: .publisher)
            })
        #expect(refusal.code == .unknownSession)
        #expect(refusal.message.contains("no STUN packet") && refusal.message.contains("webrtc.announce"))
    }

    @Test func `failed sessions are remembered up to a number`() {
        var failures = RecentFailures()
        for number in 0..<(RecentFailures.capacity + 10) { failures.note(.noPair, of: "\(number)") }
        failures.note(.consentLost, of: "\(RecentFailures.capacity)")
        #expect(failures.count == RecentFailures.capacity)
        #expect(failures.cause(of: "9") == nil)
        #expect(failures.cause(of: "10") == .noPair)
        #expect(failures.cause(of: "\(RecentFailures.capacity)") == .consentLost)
    }

    @Test func `every failure has a name and words of its own`() {
        #expect(Set(SessionFailure.allCases.map(\.rawValue)).count == SessionFailure.allCases.count)
        #expect(Set(SessionFailure.allCases.map(\.explanation)).count == SessionFailure.allCases.count)
        for end in [PeerEnd.requested, .closed, .shutdown] { #expect(SessionFailure(end) == nil) }
    }
}
