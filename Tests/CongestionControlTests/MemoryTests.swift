import CongestionControl
import Primitives
import RTP
import Testing

@Suite("Memory of congestion control")
struct MemoryTests {
    @Test func `a viewer costs what the table in ADR 0013 says`() {
        #expect(SendHistory.capacity * SendHistory.entrySize == 8_192)
        #expect(MemoryLayout<BandwidthEstimator>.size <= 1_536)
        #expect(MemoryLayout<Pacer>.size <= 48)
    }

    /// A type without references cannot grow: what these hold beside their own bytes is nothing.
    @Test func `all parts but the history are plain bytes`() {
        #expect(_isPOD(ArrivalClock.self) && _isPOD(InterArrival.self) && _isPOD(TrendlineEstimator.self))
        #expect(_isPOD(OveruseDetector.self) && _isPOD(AIMDRateControl.self) && _isPOD(RateWindow.self))
        #expect(_isPOD(LossController.self) && _isPOD(LossReports.self) && _isPOD(ApplicationLimit.self))
        #expect(_isPOD(ProbeController.self) && _isPOD(Pacer.self))
    }

    @Test func `the history keeps the newest packets and forgets the rest`() {
        var history = SendHistory()
        for number in 0..<200_000 {
            history.add(UInt16(truncatingIfNeeded: number), size: 1_200, at: .zero + .microseconds(Int64(number)))
        }
        #expect(history.count == SendHistory.capacity)
        #expect(history.storageCapacity == SendHistory.capacity)
        let oldest = UInt16(truncatingIfNeeded: 200_000 - SendHistory.capacity)
        let forgotten = history.acknowledge(oldest &- 1, at: .zero + .milliseconds(200))
        let kept = history.acknowledge(oldest, at: .zero + .milliseconds(200))
        #expect(forgotten == nil)
        #expect(kept != nil)
    }
}
