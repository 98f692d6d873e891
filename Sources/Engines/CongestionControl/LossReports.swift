package import RTP

/// Turns what report blocks say since the beginning into what is new (RFC 3550 §6.4.1).
package struct LossReports: Sendable {
    /// Streams remembered: video, audio, and their retransmissions.
    ///
    /// More take the place of the oldest.
    package static let maximumSources = 4
    /// A receiver that claims more packets than this between two reports has started again, or makes things up.
    private static let maximumStep = 1 << 16

    private struct Source {
        var ssrc: UInt32 = 0
        var highest: UInt32 = 0
        var lost: Int32 = 0
    }

    private var sources = InlineArray<4, Source>(repeating: Source())
    private var count = 0
    private var next = 0

    package init() {}

    /// Takes a block about one of our streams.
    ///
    /// - Returns: Packets expected since the block before it, and how many of them did not come; `nil` for the first
    ///   block about a stream, and for one that goes back.
    package mutating func update(_ block: ReportBlock) -> (expected: Int, lost: Int)? {
        let current = Source(
            ssrc: block.ssrc,
            highest: block.extendedHighestSequenceNumber,
            lost: block.cumulativeLost
        )
        for index in 0..<count where sources[index].ssrc == block.ssrc {
            let before = sources[index]
            let expected = Int(Int32(bitPattern: current.highest &- before.highest))
            // A repeated block changes nothing; one out of order must not count its packets again later.
            guard expected > 0 else { return nil }
            sources[index] = current
            guard expected <= Self.maximumStep else { return nil }
            // Duplicates make the sum go down: they are no negative loss.
            return (expected, min(max(Int(current.lost) - Int(before.lost), 0), expected))
        }
        if count < Self.maximumSources {
            sources[count] = current
            count += 1
        } else {
            sources[next] = current
            next = (next + 1) % Self.maximumSources
        }
        return nil
    }
}
