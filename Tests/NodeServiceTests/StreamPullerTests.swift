import Auth
import Gateway
import Logging
import Nodes
import Primitives
import Synchronization
import Testing

@testable import NodeService

/// A gateway and the way to another one, both of which do what a test says.
private final class Elsewhere: LinkingGateway, LinkSignaling {
    struct State {
        var census = LinkCensus()
        var asked: [String] = []
        var answered: [String] = []
        var ended: [String] = []
        var begun: [String] = []
        var linksEnded: [StreamName] = []
        var failure: LinkFailure?
        var refusal: GatewayRefusal?
        /// Who asks waits here until the test goes on.
        var holds = false
        var held: [CheckedContinuation<Void, Never>] = []
    }

    let state = Mutex(State())

    func ask(for stream: StreamName, at url: String, token: Secret) async throws(LinkFailure) -> RemoteOffer {
        let number = state.withLock { state in
            state.asked.append(url)
            return state.asked.count
        }
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                guard state.holds else { return true }
                state.held.append(continuation)
                return false
            }
            if goesOn { continuation.resume() }
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
        return RemoteOffer(sdp: Array("offer".utf8), session: "\(url)/whep/\(stream)/\(number)")
    }

    func answer(_ sdp: String, session: String) async throws(LinkFailure) {
        state.withLock { $0.answered.append(session) }
    }

    func end(session: String) async { state.withLock { $0.ended.append(session) } }

    func prepare(
        _ stream: StreamName, offer: [UInt8]
    ) async throws(GatewayRefusal) -> (sdp: String, link: StreamName) { ("answer", stream) }

    func begin(_ link: StreamName, to node: String) async throws(GatewayRefusal) {
        let refusal = state.withLock { state in
            state.begun.append(node)
            if state.refusal == nil { state.census.linked[link] = false }
            return state.refusal
        }
        if let refusal { throw refusal }
    }

    func endLink(of stream: StreamName) async {
        state.withLock { state in
            state.linksEnded.append(stream)
            state.census.linked[stream] = nil
        }
    }

    func linkCensus() async -> LinkCensus { state.withLock { $0.census } }

    func letGo() {
        let held = state.withLock { state in
            state.holds = false
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    subscript<T: Sendable>(path: any KeyPath<State, T> & Sendable) -> T { state.withLock { $0[keyPath: path] } }
}

@Suite("Streams brought from other gateways")
struct StreamPullerTests {
    private static let stream = StreamName("cam")!
    private let elsewhere = Elsewhere()
    private let cluster = MemoryCluster()
    private let here: MemoryNodeDirectory
    private let puller: StreamPuller<Elsewhere>

    init() async throws {
        here = try Self.node("here", cluster)
        let secret = Secret(String(repeating: "s", count: 32))
        puller = StreamPuller(
            gateway: elsewhere, directory: here, signaling: elsewhere, tokens: NodeTokens(secret: { secret }),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        _ = here.beat(NodeLoad(), draining: false, streams: [])
    }

    private static func node(_ name: String, _ cluster: MemoryCluster) throws -> MemoryNodeDirectory {
        MemoryNodeDirectory(
            id: try #require(NodeID(name)), url: "http://\(name)", cluster: cluster, clock: { .zero })
    }

    /// Another gateway publishes the stream.
    private func publish(at name: String) throws {
        let node = try Self.node(name, cluster)
        _ = node.beat(NodeLoad(), draining: false, streams: [])
        _ = node.claim(ClaimRequest(stream: Self.stream, holder: "h", takeover: .replace))
    }

    @Test func `a stream that another gateway has is brought, and one that nobody or this one has is not asked for`()
        async throws
    {
        #expect(await puller.bring(Self.stream) == nil)
        try publish(at: "here")
        #expect(await puller.bring(Self.stream) == nil)
        #expect(elsewhere[\.asked].isEmpty)
        try publish(at: "origin")
        #expect(await puller.bring(Self.stream) == nil)
        #expect(elsewhere[\.asked] == ["http://origin"])
        #expect(elsewhere[\.answered] == ["http://origin/whep/cam/1"])
        #expect(elsewhere[\.begun] == ["origin"])
        #expect(await puller.linkedStreams == [Self.stream])
    }

    @Test func `a thousand who come at once wait for one attempt`() async throws {
        try publish(at: "origin")
        elsewhere.state.withLock { $0.holds = true }
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<1000 { group.addTask { await puller.bring(Self.stream) == nil } }
            while await puller.waitingCount < 1000 { await Task.yield() }
            elsewhere.letGo()
            for await isHere in group { #expect(isHere) }
        }
        #expect(elsewhere[\.asked].count == 1)
    }

    @Test func `when it fails, all who waited are told when to try again, and nothing stays behind`() async throws {
        try publish(at: "origin")
        elsewhere.state.withLock {
            $0.holds = true
            $0.failure = .refused(status: 503)
        }
        await withTaskGroup(of: GatewayRefusal?.self) { group in
            for _ in 0..<10 { group.addTask { await puller.bring(Self.stream) } }
            while await puller.waitingCount < 10 { await Task.yield() }
            elsewhere.letGo()
            for await refusal in group { #expect(refusal?.code.status == 409 && refusal?.retryAfter == .seconds(1)) }
        }
        elsewhere.state.withLock {
            $0.failure = nil
            $0.refusal = GatewayRefusal(.notPublishing, "no way")
        }
        #expect(await puller.bring(Self.stream)?.message == "no way")
        #expect(elsewhere[\.ended] == ["http://origin/whep/cam/2"])
        #expect(await puller.linkedStreams.isEmpty)
        #expect(await puller.waitingCount == 0)
    }

    @Test func `a link ends when nobody has watched for ten looks, and not before`() async throws {
        try publish(at: "origin")
        _ = await puller.bring(Self.stream)
        elsewhere.state.withLock { $0.census.linked[Self.stream] = true }
        for _ in 0..<9 { await puller.look() }
        #expect(elsewhere[\.linksEnded].isEmpty)
        elsewhere.state.withLock { $0.census.linked[Self.stream] = false }
        await puller.look()
        elsewhere.state.withLock { $0.census.linked[Self.stream] = true }
        for _ in 0..<9 { await puller.look() }
        #expect(elsewhere[\.linksEnded].isEmpty)
        await puller.look()
        #expect(elsewhere[\.linksEnded] == [Self.stream])
        #expect(elsewhere[\.ended] == ["http://origin/whep/cam/1"])
    }

    @Test func `a publisher that moves is followed`() async throws {
        try publish(at: "origin")
        _ = await puller.bring(Self.stream)
        try publish(at: "other")
        await puller.look()
        while await puller.isBringing { await Task.yield() }
        #expect(elsewhere[\.asked] == ["http://origin", "http://other"])
        #expect(elsewhere[\.ended] == ["http://origin/whep/cam/1"])
        #expect(elsewhere[\.linksEnded].isEmpty, "viewers notice nothing")
    }

    @Test func `who waits for a publisher gets the stream as soon as another gateway has it`() async throws {
        elsewhere.state.withLock { $0.census.orphans = [Self.stream] }
        await puller.look()
        #expect(elsewhere[\.asked].isEmpty)
        try publish(at: "origin")
        await puller.look()
        while await puller.isBringing { await Task.yield() }
        #expect(elsewhere[\.begun] == ["origin"])
    }

    @Test func `a link whose publisher is nowhere is given up after four looks`() async throws {
        try publish(at: "origin")
        _ = await puller.bring(Self.stream)
        cluster.leave(try #require(NodeID("origin")))
        for _ in 0..<3 { await puller.look() }
        #expect(elsewhere[\.linksEnded].isEmpty)
        await puller.look()
        #expect(elsewhere[\.linksEnded] == [Self.stream])
    }

    @Test func `a link that the gateway has lost is forgotten`() async throws {
        try publish(at: "origin")
        _ = await puller.bring(Self.stream)
        elsewhere.state.withLock { $0.census.linked = [:] }
        await puller.look()
        #expect(await puller.linkedStreams.isEmpty)
        #expect(elsewhere[\.ended] == ["http://origin/whep/cam/1"])
    }
}
