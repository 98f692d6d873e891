import MediaIO
import Nodes
import Primitives
import Testing

@testable import Gateway

/// A directory that knows of some gateways and of no streams.
private struct FixedDirectory: NodeDirectory {
    let id: NodeID
    var state = NodeDirectoryState.working
    let secret: Secret? = nil
    var others: [NodeRecord]

    func origin(of stream: StreamName) -> StreamOrigin? { nil }
    func nodes() -> [NodeRecord] { others }
    func claim(_ request: ClaimRequest) -> ClaimAnswer { .granted(epoch: 1) }
    func release(_ stream: StreamName, epoch: UInt64) {}
    func beat(_ load: NodeLoad, draining: Bool, streams: [HeldStream]) -> [ClaimAnswer] { [] }
    func leave() {}
}

@Suite("Where a gateway that goes away sends its viewers")
struct DepartureTests {
    /// What a viewer is told by a gateway that goes away.
    private func told(_ state: NodeDirectoryState, isOtherDraining: Bool = false) async throws -> ViewerEvent? {
        let id = try #require(NodeID("own"))
        let other = NodeRecord(
            id: try #require(NodeID("other")), url: "http://other:8080", isDraining: isOtherDraining)
        let directory = FixedDirectory(
            id: id, state: state, others: [NodeRecord(id: id, url: "http://own:8080", isDraining: true), other])
        let harness = try GatewayHarness(directory: directory)
        defer { harness.stop() }
        let (gateway, stream) = (harness.gateway, try GatewayHarness.stream())
        _ = try await harness.publish()
        for track in await gateway.streams[stream]?.tracks.flatMap(\.ids) ?? [] {
            await gateway.handle(.trackStarted(track))
        }
        let viewer = try await harness.watch().sessionID
        let events = try await gateway.openEvents([.reconnect], session: viewer, stream: stream)
        let queue = try await gateway.events(events, session: viewer, stream: stream)
        await gateway.beginDraining()
        guard case .event(let event) = await queue.next(queue.attach()) else { return nil }
        // Whoever asks later hears the same.
        let again = try await gateway.events(events, session: viewer, stream: stream)
        #expect(await again.next(again.attach()) == .event(event))
        return event
    }

    @Test func `they are told where the stream is at a gateway that stays`() async throws {
        let stream = try GatewayHarness.stream()
        #expect(try await told(.working) == .reconnect(url: "http://other:8080/whep/\(stream)"))
    }

    @Test func `they are told no address when the others go away too, or may have gone`() async throws {
        #expect(try await told(.working, isOtherDraining: true) == .reconnect(url: nil))
        #expect(try await told(.degraded) == .reconnect(url: nil))
    }
}
