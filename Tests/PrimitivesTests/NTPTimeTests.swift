import Primitives
import TestSupport
import Testing

@Suite("NTP time, RFC 3550 §4")
struct NTPTimeTests {
    @Test func `the Unix epoch is 70 years into the NTP era`() {
        #expect(NTPTime(unixNanoseconds: 0).rawValue == 0x83AA_7E80_0000_0000)
        #expect(NTPTime(unixNanoseconds: 500_000_000).rawValue == 0x83AA_7E80_8000_0000)
        #expect(NTPTime(unixNanoseconds: -500_000_000).rawValue == 0x83AA_7E7F_8000_0000)
    }

    @Test func `nanoseconds survive a round trip`() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<1_000 {
            let nanoseconds = Int64.random(
                in: -2_000_000_000_000_000_000...2_000_000_000_000_000_000,
                using: &generator
            )
            #expect(NTPTime(unixNanoseconds: nanoseconds).unixNanoseconds == nanoseconds)
        }
        #expect(NTPTime(unixNanoseconds: 1_999_999_999).unixNanoseconds == 1_999_999_999)
    }

    @Test func `time moves by intervals in both directions`() {
        let time = NTPTime(unixNanoseconds: 1_790_000_000_123_456_789)
        let later = time.advanced(by: .milliseconds(1_234))
        #expect(later.since(time) == .milliseconds(1_234))
        #expect(later.advanced(by: .milliseconds(-1_234)) == time)
        #expect(later > time)
    }

    @Test func `the compact form is the middle half`() {
        #expect(NTPTime(rawValue: 0x0123_4567_89AB_CDEF).compact == 0x4567_89AB)
    }
}
