import NodeService
import Nodes
import Primitives
import Synchronization
import Testing

/// A time that tests move.
private final class TestClock: Sendable {
    private let time = Mutex(Instant.zero)

    var now: Instant { time.withLock { $0 } }

    func advance(by interval: Interval) { time.withLock { $0 = $0 + interval } }
}

@Suite("Gateways of one process")
struct MemoryNodeDirectoryTests {
    private let clock = TestClock()
    private let stream = StreamName("camera")!

    private func directory(_ name: String, _ cluster: MemoryCluster?) throws -> MemoryNodeDirectory {
        let clock = clock
        return MemoryNodeDirectory(
            id: try #require(NodeID(name)), url: "http://\(name).example", cluster: cluster, clock: { clock.now })
    }

    @Test func `an origin is found by the others, and is gone when its gateway is`() throws {
        let cluster = MemoryCluster()
        let (one, two) = (try directory("one", cluster), try directory("two", cluster))
        #expect(one.claim(ClaimRequest(stream: stream, holder: "anna", takeover: .auto)) == .granted(epoch: 1))
        let held = HeldStream(stream: stream, epoch: 1, holder: "anna")
        #expect(one.beat(NodeLoad(sessions: 1), draining: false, streams: [held]) == [.granted(epoch: 1)])
        #expect(two.beat(NodeLoad(), draining: true, streams: []) == [])
        #expect(
            two.origin(of: stream)
                == StreamOrigin(stream: stream, node: one.id, url: "http://one.example", epoch: 1))
        #expect(two.nodes().map(\.id) == [one.id, two.id])
        #expect(one.nodes().map(\.isDraining) == [false, true])
        #expect(two.state == .working)
        clock.advance(by: .seconds(3))
        #expect(two.origin(of: stream) == nil)
        #expect(two.nodes() == [])
    }

    @Test func `whoever leaves takes its streams along`() throws {
        let cluster = MemoryCluster()
        let (one, two) = (try directory("one", cluster), try directory("two", cluster))
        _ = one.beat(NodeLoad(), draining: false, streams: [HeldStream(stream: stream, epoch: 4, holder: "anna")])
        one.leave()
        #expect(two.origin(of: stream) == nil)
        #expect(two.claim(ClaimRequest(stream: stream, holder: "bert", takeover: .reject)) == .granted(epoch: 5))
    }

    @Test func `a gateway without others is alone`() throws {
        let (one, two) = (try directory("one", nil), try directory("two", nil))
        _ = one.beat(NodeLoad(), draining: false, streams: [HeldStream(stream: stream, epoch: 1, holder: "anna")])
        #expect(one.state == .alone)
        #expect(one.origin(of: stream)?.node == one.id)
        #expect(two.origin(of: stream) == nil)
    }
}
