import TestSupport
import Testing

@testable import SRTP

@Suite("The replay window, RFC 3711 §3.3.2")
struct ReplayWindowTests {
    @Test(arguments: [0, 1, 63, 64, 1023, 1024, 65_535, 65_536, UInt64(1) << 47])
    func `it agrees with a list of everything accepted`(start: UInt64) {
        var generator = SeededGenerator(seed: start)
        var window = ReplayWindow()
        #expect(window.admits(start))
        window.accept(start)
        var accepted: Set<UInt64> = [start]
        var newest = start
        for _ in 0..<20_000 {
            // Mostly near the newest, sometimes a jump of up to three windows.
            let farthest: UInt64 = Int.random(in: 0..<50, using: &generator) == 0 ? 3000 : 5
            let ahead = UInt64.random(in: 0...farthest, using: &generator)
            let behind = UInt64.random(in: 0...1300, using: &generator)
            let index = Bool.random(using: &generator) ? newest + ahead : newest - min(behind, newest)
            let isExpected = !accepted.contains(index) && index + ReplayWindow.width > newest
            #expect(window.admits(index) == isExpected, "index \(index), newest \(newest)")
            guard isExpected else { continue }
            window.accept(index)
            accepted.insert(index)
            newest = max(newest, index)
            #expect(window.newest == newest)
        }
    }
}

@Suite("Packet indices, RFC 3711 §3.3.1")
struct PacketIndexTests {
    @Test func `the index nearest to the newest is taken`() {
        let cases: [(sequenceNumber: UInt16, newest: UInt64?, index: UInt64)] = [
            (7, nil, 7),
            (65_535, nil, 65_535),
            (0, 65_535, 65_536),
            (65_535, 65_536, 65_535),
            (65_535, 65_540, 65_535),
            (5, 0x2_FFFE, 0x3_0005),
            (0xFFFE, 0x3_0005, 0x2_FFFE),
            (0x7FFF, 0x3_0000, 0x3_7FFF),
            // Nothing lies before the first round.
            (60_000, 10, 60_000),
            (60_000, 0x8000, 60_000),
            // 48 bits wrap like everything else.
            (3, 0xFFFF_FFFF_FFFE, 3),
        ]
        for (sequenceNumber, newest, index) in cases {
            #expect(
                SRTPPacketIndex.estimate(sequenceNumber: sequenceNumber, newest: newest) == index,
                "\(sequenceNumber) after \(String(describing: newest))"
            )
        }
    }
}
