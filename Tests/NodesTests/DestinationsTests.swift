import Nodes
import Testing

@Suite("Where clients of a gateway go that goes away")
struct DestinationsTests {
    private func node(_ name: String, isDraining: Bool = false) throws -> NodeRecord {
        NodeRecord(id: try #require(NodeID(name)), url: "http://\(name)", isDraining: isDraining)
    }

    @Test func `nobody is sent back, or to a gateway that goes away too`() throws {
        let own = try node("own")
        #expect(Destinations().url(for: "room") == nil)
        #expect(Destinations([own, try node("leaving", isDraining: true)], leaving: own.id).url(for: "room") == nil)
        let all = [own, try node("leaving", isDraining: true), try node("other")]
        for name in ["", "room", "another room"] {
            #expect(Destinations(all, leaving: own.id).url(for: name) == "http://other")
        }
    }

    @Test func `a name leads to the same gateway whichever says it, and names spread over all`() throws {
        let (one, two) = (try node("one"), try node("two"))
        let staying = try (0..<4).map { try node("staying-\($0)") }
        let destinations = Destinations([one] + staying, leaving: one.id)
        let others = Destinations(staying.reversed() + [two], leaving: two.id)
        var counts: [String: Int] = [:]
        for number in 0..<400 {
            let url = try #require(destinations.url(for: "room-\(number)"))
            #expect(others.url(for: "room-\(number)") == url)
            counts[url, default: 0] += 1
        }
        // A hundred each, and five standard deviations.
        #expect(counts.count == 4 && counts.values.allSatisfy { (57...143).contains($0) }, "\(counts)")
    }

    @Test func `a gateway that is no longer there moves nobody but those who would have gone to it`() throws {
        let own = try node("own")
        let nodes = try (0..<5).map { try node("staying-\($0)") }
        let before = Destinations(nodes, leaving: own.id)
        let after = Destinations(Array(nodes.dropLast()), leaving: own.id)
        for number in 0..<100 {
            let url = before.url(for: "\(number)")
            if url != nodes.last?.url { #expect(after.url(for: "\(number)") == url) }
        }
    }
}
