import Primitives
import SFU
import Testing

@Suite("Packets that a log has had")
struct PacketLogTests {
    private static func append(
        _ sequence: Int64, to log: inout PacketLog, at milliseconds: Int64, startsKeyFrame: Bool = false
    ) -> Bool {
        let payload: [UInt8] = [1, 2, 3]
        return payload.withUnsafeBytes { bytes in
            log.append(
                sequence: sequence, timestamp: sequence * 3000, marker: true, startsKeyFrame: startsKeyFrame,
                payload: bytes, at: .zero + .milliseconds(milliseconds)) != nil
        }
    }

    @Test func `a packet that is not held any more is not taken a second time`() {
        var log = PacketLog(limits: .init(isVideo: false))
        for sequence in Int64(0)..<100 where sequence != 99 {
            #expect(Self.append(sequence, to: &log, at: sequence * 20))
        }
        #expect(log.index(ofSequence: 10) == nil && log.index(ofSequence: 98) != nil)
        let held = log.endIndex
        for sequence in Int64(0)..<99 { #expect(!Self.append(sequence, to: &log, at: 2000)) }
        #expect(log.endIndex == held)
        #expect(Self.append(100, to: &log, at: 2000) && Self.append(99, to: &log, at: 2001), "it had been lost")
    }

    @Test func `a packet whose place a later one has taken is not taken a second time`() {
        var log = PacketLog(limits: .init(isVideo: true))
        #expect(Self.append(0, to: &log, at: 0, startsKeyFrame: true))
        for sequence in Int64(1)..<50 { #expect(Self.append(sequence, to: &log, at: sequence)) }
        // A gap, as after a loss, of what the log has places for.
        #expect(Self.append(256 + 20, to: &log, at: 60))
        let held = log.endIndex
        #expect(log.firstIndex == 0)
        for sequence in Int64(0)..<50 { #expect(!Self.append(sequence, to: &log, at: 70)) }
        #expect(log.endIndex == held)
    }
}
