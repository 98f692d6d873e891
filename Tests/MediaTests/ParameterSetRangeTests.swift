import Media
import Testing

@Suite("Parameter sets in RTP payloads")
struct ParameterSetRangeTests {
    private let sps = Samples.highWithoutReorderingSPS

    private func aggregate(_ units: [[UInt8]]) -> [UInt8] {
        units.reduce([0x78]) { $0 + [UInt8($1.count >> 8), UInt8($1.count & 0xFF)] + $1 }
    }

    @Test func `one that stands alone is found`() {
        #expect(H264SequenceParameterSet.range(inRTPPayload: sps.span) == 0..<sps.count)
    }

    @Test func `one among others is found`() throws {
        let payload = aggregate([[0x09, 0xF0], sps, [0x68, 1, 2]])
        let range = H264SequenceParameterSet.range(inRTPPayload: payload.span)
        #expect(Array(payload[try #require(range)]) == sps)
    }

    @Test func `other payloads have none`() {
        let others = aggregate([[0x68, 1], [0x65, 1]])
        for payload: [UInt8] in [[], [0x67], [0x65, 0x88], [0x7C, 0x87, 1], others, [0x78]] {
            #expect(H264SequenceParameterSet.range(inRTPPayload: payload.span) == nil)
        }
    }

    @Test func `no truncation reaches beyond the end`() {
        let payload = aggregate([[0x09, 0xF0], sps, [0x68, 1, 2]])
        for length in 0...payload.count {
            let cut = Array(payload.prefix(length))
            let range = H264SequenceParameterSet.range(inRTPPayload: cut.span)
            #expect(range.map { $0.upperBound <= length } ?? true)
        }
    }
}
