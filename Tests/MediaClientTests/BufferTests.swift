import MediaClient
import Testing

@Suite("Packets kept for retransmission")
struct SentPacketsTests {
    @Test func `the last ones are found by their number, older ones are forgotten`() {
        var packets = SentPackets()
        let first: UInt64 = 65_000
        for index in first..<(first + 2_000) { packets.store([UInt8(truncatingIfNeeded: index)], index: index) }
        for index in first..<(first + 2_000) {
            let found = packets.packet(UInt16(truncatingIfNeeded: index))
            if index < first + 2_000 - UInt64(SentPackets.capacity) {
                #expect(found == nil)
            } else {
                #expect(found?.index == index)
                #expect(found?.bytes == [UInt8(truncatingIfNeeded: index)])
            }
        }
    }
}
