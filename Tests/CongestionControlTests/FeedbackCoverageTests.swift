import CongestionControl
import Testing

@Suite("Feedback that gets lost")
struct FeedbackCoverageTests {
    @Test(arguments: [0, 0xFFF0, 0x7FF0] as [UInt16])
    func `every second feedback lost is half of the packets unheard of`(start: UInt16) {
        var coverage = FeedbackCoverage()
        for round in 0..<100 as Range<UInt16> { coverage.receive(base: start &+ round &* 20, count: 10) }
        #expect((0.5...0.51).contains(coverage.part))
        for round in 200..<300 as Range<UInt16> { coverage.receive(base: start &+ round &* 10, count: 10) }
        #expect(coverage.part > 0.95)
    }

    @Test func `feedback that overlaps, is empty or jumps stays within half and all`() {
        var coverage = FeedbackCoverage()
        for (base, count) in [(100, 10), (90, 30), (0, 0), (0x7000, 1), (0xFFFF, 0xFFFF)] as [(UInt16, UInt16)] {
            coverage.receive(base: base, count: count)
            #expect((0.5...1).contains(coverage.part))
        }
    }
}
