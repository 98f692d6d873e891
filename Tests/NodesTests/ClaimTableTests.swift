import Nodes
import Primitives
import TestSupport
import Testing

@Suite("Claims of streams")
struct ClaimTableTests {
    private let one = NodeID("one")!
    private let two = NodeID("two")!
    private let stream = StreamName("camera")!

    private func request(
        by holder: String = "anna", _ takeover: ClaimRequest.Takeover = .auto, epoch: UInt64 = 0
    ) -> ClaimRequest {
        ClaimRequest(stream: stream, holder: holder, takeover: takeover, epoch: epoch)
    }

    @Test func `a stream belongs to whoever claims it first, until nothing is heard of it for three seconds`() {
        var table = ClaimTable()
        #expect(table.claim(request(), by: one, at: .zero) == .granted(epoch: 1))
        let late = Instant.zero + .milliseconds(2_999)
        #expect(table.owner(of: stream, at: late)?.node == one)
        #expect(table.claim(request(by: "bert"), by: two, at: late) == .held(by: one))
        let later = Instant.zero + .seconds(3)
        #expect(table.owner(of: stream, at: later) == nil)
        #expect(table.claim(request(by: "bert"), by: two, at: later) == .granted(epoch: 2))
    }

    @Test(arguments: [
        (ClaimRequest.Takeover.auto, "anna", false, true), (.auto, "bert", false, false), (.auto, "bert", true, true),
        (.replace, "bert", false, true), (.reject, "anna", false, false), (.reject, "anna", true, false),
    ])
    func `another gateway's publisher is taken over from as one that is here`(
        takeover: ClaimRequest.Takeover, holder: String, isSilent: Bool, isGranted: Bool
    ) {
        var table = ClaimTable()
        let held = HeldStream(stream: stream, epoch: 1, holder: "anna", isSilent: isSilent)
        #expect(table.renew(held, by: one, at: .zero) == .granted(epoch: 1))
        let answer = table.claim(request(by: holder, takeover), by: two, at: .zero)
        #expect(answer == (isGranted ? .granted(epoch: 2) : .held(by: one)))
    }

    @Test func `whoever was taken over from is told at its next renewal`() {
        var table = ClaimTable()
        _ = table.claim(request(), by: one, at: .zero)
        _ = table.claim(request(), by: two, at: .zero)
        #expect(table.renew(HeldStream(stream: stream, epoch: 1, holder: "anna"), by: one, at: .zero) == .held(by: two))
        #expect(table.owner(of: stream, at: .zero)?.epoch == 2)
    }

    @Test func `what nobody remembers is written again under the epoch it had`() {
        var table = ClaimTable()
        let held = HeldStream(stream: stream, epoch: 7, holder: "anna")
        #expect(table.renew(held, by: one, at: .zero) == .granted(epoch: 7))
        #expect(table.renew(held, by: one, at: .zero) == .granted(epoch: 7))
        #expect(table.count == 1)
    }

    @Test(arguments: [(UInt64(3), UInt64(2)), (2, 3), (4, 4)])
    func `after a split the higher epoch wins, and of equal ones the first`(first: UInt64, second: UInt64) {
        var table = ClaimTable()
        let mine = HeldStream(stream: stream, epoch: first, holder: "anna")
        let theirs = HeldStream(stream: stream, epoch: second, holder: "bert")
        #expect(table.renew(mine, by: one, at: .zero) == .granted(epoch: first))
        let isSecond = second > first
        #expect(table.renew(theirs, by: two, at: .zero) == (isSecond ? .granted(epoch: second) : .held(by: one)))
        #expect(
            table.renew(mine, by: one, at: .zero) == (isSecond ? .held(by: two) : .granted(epoch: first)))
    }

    @Test func `a stream that somebody else had and gave up goes on under a new epoch`() {
        var table = ClaimTable()
        _ = table.claim(request(epoch: 8), by: two, at: .zero)
        table.release(stream, epoch: 9, by: two)
        let held = HeldStream(stream: stream, epoch: 1, holder: "anna")
        #expect(table.renew(held, by: one, at: .zero) == .granted(epoch: 10))
    }

    @Test func `an end counts for the claim that it names, and for no later one`() {
        var table = ClaimTable()
        _ = table.claim(request(), by: one, at: .zero)
        _ = table.claim(request(), by: two, at: .zero)
        table.release(stream, epoch: 1, by: one)
        table.release(stream, epoch: 2, by: one)
        table.release(stream, epoch: 1, by: two)
        #expect(table.owner(of: stream, at: .zero)?.node == two)
        table.release(stream, epoch: 2, by: two)
        #expect(table.owner(of: stream, at: .zero) == nil)
        #expect(table.claim(request(), by: one, at: .zero) == .granted(epoch: 3))
    }

    @Test func `epochs only grow, whatever happens`() {
        var table = ClaimTable()
        var generator = SeededGenerator(seed: 11)
        var highest: UInt64 = 0
        var now = Instant.zero
        var epochs: [NodeID: UInt64] = [:]
        for _ in 0..<5_000 {
            now = now + .milliseconds(.random(in: 0...1_500, using: &generator))
            let node = Bool.random(using: &generator) ? one : two
            switch Int.random(in: 0..<3, using: &generator) {
            case 0:
                if case .granted(let epoch) = table.claim(request(), by: node, at: now) {
                    #expect(epoch > highest)
                    highest = epoch
                    epochs[node] = epoch
                }
            case 1:
                guard let epoch = epochs[node] else { continue }
                let held = HeldStream(stream: stream, epoch: epoch, holder: "anna")
                if case .granted(let epoch) = table.renew(held, by: node, at: now) {
                    #expect(epoch >= highest)
                    highest = epoch
                    epochs[node] = epoch
                } else {
                    epochs[node] = nil
                }
            default:
                if let epoch = epochs.removeValue(forKey: node) { table.release(stream, epoch: epoch, by: node) }
            }
        }
        #expect(highest > 100)
    }

    @Test func `no more streams are remembered than the table may hold`() throws {
        var table = ClaimTable()
        for index in 0..<(ClaimTable.capacity + 10) {
            let name = try #require(StreamName("s\(index)"))
            let held = HeldStream(stream: name, epoch: 1, holder: "anna")
            _ = table.renew(held, by: one, at: Instant.zero + .milliseconds(Int64(index)))
            #expect(table.count <= ClaimTable.capacity)
        }
        let last = try #require(StreamName("s\(ClaimTable.capacity + 9)"))
        #expect(table.owner(of: last, at: Instant.zero + .seconds(10)) != nil)
    }

    @Test(arguments: ["", "a\u{7}b", String(repeating: "x", count: 65)])
    func `what is no name of a gateway is refused`(text: String) {
        #expect(NodeID(text) == nil)
    }
}
