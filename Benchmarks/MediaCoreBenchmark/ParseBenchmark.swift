import CLinux
import Primitives
import RTP
import STUN

/// What reading costs: the control messages that each viewer sends all the time.
enum ParseBenchmark {
    /// One kind of message, and nanoseconds of CPU to read one.
    struct Row {
        var name: String
        var nanoseconds: Double
    }

    static func run(rounds: Int) -> [Row] {
        let report = RTCPPacket.receiverReport(
            ReceiverReport(
                ssrc: 1,
                reportBlocks: [
                    ReportBlock(
                        ssrc: 2, fractionLost: 3, cumulativeLost: 4, extendedHighestSequenceNumber: 5, jitter: 6,
                        lastSenderReport: 7, delaySinceLastSenderReport: 8)
                ]))
        let nack = RTCPPacket.genericNACK(GenericNACK(senderSSRC: 1, mediaSSRC: 2, lost: [7, 9]))
        let arrivals = (0..<60).map { TransportFeedback.Arrival(sequenceNumber: UInt16($0), delta: 4) }
        let feedback = RTCPPacket.transportFeedback(
            TransportFeedback(
                senderSSRC: 1, mediaSSRC: 2, baseSequenceNumber: 0, packetStatusCount: 60, referenceTime: 1,
                feedbackCount: 1, arrivals: arrivals))
        let check = STUNMessage(
            class: .request, transactionID: [UInt8](repeating: 1, count: 12),
            attributes: [.username(Array("abcdefgh:ijkl".utf8)), .priority(1), .useCandidate]
        ).encoded(integrityKey: Array("0123456789abcdefghijklmn".utf8))
        return [
            Row(name: "receiver report", nanoseconds: time(rounds, compound([report]), readRTCP)),
            Row(name: "report and NACK", nanoseconds: time(rounds, compound([report, nack]), readRTCP)),
            Row(name: "feedback on 60 packets", nanoseconds: time(rounds, compound([feedback]), readRTCP)),
            Row(name: "Binding request", nanoseconds: time(rounds, check) { (try? STUNMessage.parse($0)) != nil }),
        ]
    }

    private static func compound(_ packets: [RTCPPacket]) -> [UInt8] {
        var writer = ByteWriter()
        for packet in packets { packet.write(to: &writer) }
        return writer.bytes
    }

    private static func readRTCP(_ bytes: Span<UInt8>) -> Bool {
        (try? RTCPPacket.parseCompound(bytes)) != nil
    }

    private static func time(_ rounds: Int, _ message: [UInt8], _ read: (Span<UInt8>) -> Bool) -> Double {
        var good = 0
        let start = martlet_thread_cpu_ns()
        for _ in 0..<rounds where read(message.span) { good += 1 }
        let elapsed = martlet_thread_cpu_ns() - start
        precondition(good == rounds, "the benchmark reads what it wrote")
        return Double(elapsed) / Double(rounds)
    }
}
