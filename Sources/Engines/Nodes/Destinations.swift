/// The gateways to which one that goes away sends its clients.
///
/// One name always leads to the same gateway as long as there are the same ones, and names spread over all of them: each
/// gateway has a weight for each name, and the heaviest is taken (rendezvous hashing).
package struct Destinations: Sendable, Equatable {
    private let nodes: [NodeRecord]

    /// Nowhere to go.
    package init() { nodes = [] }

    /// - Parameters:
    ///   - nodes: The gateways that are alive; those that go away themselves are left out.
    ///   - id: The one that is left.
    package init(_ nodes: [NodeRecord], leaving id: NodeID) {
        self.nodes = nodes.filter { $0.id != id && !$0.isDraining && !$0.url.isEmpty }
    }

    /// Where whoever has this name goes.
    ///
    /// - Returns: See ``NodeRecord/url``; `nil` when there is no other gateway.
    /// - Complexity: O(gateways).
    package func url(for name: String) -> String? {
        nodes.max { Self.weight(of: $0.id, for: name) < Self.weight(of: $1.id, for: name) }?.url
    }

    private static func weight(of id: NodeID, for name: String) -> UInt64 {
        // FNV-1a with 64 bits.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for part in [name, id.description] {
            for byte in part.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            hash = (hash ^ 0xFF) &* 0x100_0000_01B3
        }
        // The last bytes have not reached the highest bits, by which weights are compared.
        hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
        return hash ^ (hash >> 31)
    }
}
