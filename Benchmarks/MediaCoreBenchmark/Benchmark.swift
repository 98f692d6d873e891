import CLinux
import DTLS
import Glibc
import ICE
import Media
import MediaIO
import Primitives
import RTP
import SRTP
import STUN
import WebRTC

/// Counts what leaves, and sends none of it.
private final class CountingSink: DatagramSink {
    var datagrams = 0
    var messages = 0

    func send(_ batch: UnsafeBufferPointer<OutgoingMessage>, arena: UnsafeRawPointer) -> SendProgress {
        for message in batch { datagrams += message.datagramCount }
        messages += batch.count
        return SendProgress(messages: batch.count)
    }
}

/// The packet path without the kernel: a frame in, and out to every viewer, encrypted.
///
/// Prints nanoseconds of CPU per packet sent beside what the cipher alone takes in the same run, so
/// that the ratio means something on any machine.
@main
struct MediaCoreBenchmark {
    static let payloadSize = 1100
    static let packetsPerFrame = 8

    static func main() throws {
        let viewers = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 200 : 200
        let frames = CommandLine.arguments.count > 2 ? Int(CommandLine.arguments[2]) ?? 200 : 200
        for backend in SRTPBackend.allCases where backend != .libsrtp2 {
            if let problem = backend.problem {
                print("\(backend.rawValue): \(problem)")
                continue
            }
            for profile in SRTPProfile.allCases {
                let cipher = try cipherOnly(
                    sessions: viewers, packets: viewers * 2000, profile: profile, backend: backend)
                let whole = try fanOut(viewers: viewers, frames: frames, profile: profile, backend: backend)
                print("\(backend.rawValue), \(profile), \(viewers) viewers")
                print("    cipher alone             \(text(cipher)) ns a packet")
                print(
                    "    fan-out                  \(text(whole.nanoseconds)) ns a packet, \(whole.perMessage) packets a send"
                )
                print("    of the cipher            \(text(whole.nanoseconds / cipher * 100)) %")
                print("    beside the cipher        \(text(whole.nanoseconds - cipher)) ns a packet")
            }
        }
        let congestion = CongestionBenchmark.run(viewers: viewers * 5, rounds: max(frames / 4, 10))
        print("congestion control, \(viewers * 5) viewers")
        print("    sending                  \(text(congestion.send)) ns a packet")
        print("    feedback                 \(text(congestion.feedback)) ns a packet reported on")
        print("    pacing and probing       \(text(congestion.tick)) ns a tick")
        print("reading")
        for row in ParseBenchmark.run(rounds: frames * 500) {
            print("    \(row.name.padded(to: 24)) \(text(row.nanoseconds)) ns")
        }
    }

    private static func text(_ value: Double) -> String { String(Int(value.rounded())) }

    private static func cipherOnly(
        sessions: Int, packets: Int, profile: SRTPProfile, backend: SRTPBackend
    ) throws -> Double {
        let table = UnsafeMutablePointer<SRTPSender>.allocate(capacity: sessions)
        for index in 0..<sessions {
            let key = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 16)
            (table + index).initialize(
                to: try SRTPSender(
                    profile: profile, key: key, salt: Array(key.prefix(profile.saltLength)), backend: backend))
        }
        let payload = UnsafeMutableRawBufferPointer.allocate(byteCount: payloadSize, alignment: 16)
        let output = UnsafeMutableRawPointer.allocate(byteCount: payloadSize + 64, alignment: 16)
        output.initializeMemory(as: UInt8.self, repeating: 0x80, count: payloadSize + 64)
        let start = martlet_thread_cpu_ns()
        for index in 0..<packets {
            _ = table[index % sessions].protect(
                output, headerLength: 12, payload: UnsafeRawBufferPointer(payload), ssrc: 1, index: UInt64(index))
        }
        let elapsed = martlet_thread_cpu_ns() - start
        (table).deinitialize(count: sessions)
        table.deallocate()
        return Double(elapsed) / Double(packets)
    }

    private static func fanOut(
        viewers: Int, frames: Int, profile: SRTPProfile, backend: SRTPBackend
    ) throws -> (nanoseconds: Double, perMessage: Int) {
        let sink = CountingSink()
        var batch = SendBatch(sink: sink)
        var now = Instant.zero
        var core = MediaCore(
            configuration: .init(worker: 0, srtpBackend: backend), wallClockOffset: 0, seed: 1, at: now)
        core.perform(.addTrack(.init(id: 1, codec: .h264, owner: 0)), at: now, into: &batch)
        for index in 0..<viewers {
            var generator = SystemRandomNumberGenerator()
            let made = SessionUsername.make(worker: 0, using: &generator)
            let local = ICECredentials(usernameFragment: made.usernameFragment, password: Secret(made.password))
            let id = PeerID(index + 1)
            let sender = PlaybackSender(mid: "0", trackIndex: 0, payloadType: 96, ssrc: 7)
            core.perform(
                .addViewer(
                    PeerSpecification(id: id, local: local, remote: nil, role: .server, fingerprints: []),
                    [PlaybackBinding(track: 1, sender: sender)]), at: now, into: &batch)
            var request = STUNMessage(
                class: .request, transactionID: [UInt8](repeating: 1, count: 12),
                attributes: [.username(Array("\(made.usernameFragment):peer".utf8)), .priority(1), .useCandidate]
            ).encoded(integrityKey: Array(made.password.utf8))
            let address = TransportAddress(ipv4: 0x7F00_0001, port: UInt16(1024 + index))
            request.withUnsafeMutableBytes { core.receive($0, from: address, at: now, into: &batch) }
            let key = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 16)
            let salt = Array(key.prefix(profile.saltLength))
            let keys = DTLSKeys(
                profile: profile == .aeadAES128GCM ? .aeadAES128GCM : .aes128CMSHA1_80, localKey: key, localSalt: salt,
                remoteKey: key, remoteSalt: salt)
            core.perform(.handshake(id, .connected(keys, lastFlight: [])), at: now, into: &batch)
        }
        batch.flush()
        sink.datagrams = 0
        sink.messages = 0
        let start = martlet_thread_cpu_ns()
        var sequence: UInt16 = 0
        for frame in 0..<frames {
            var burst = PacketBurst()
            for packet in 0..<packetsPerFrame {
                burst.append { bytes in
                    RTPHeader.append(
                        to: &bytes, payloadType: 96, marker: packet == packetsPerFrame - 1, sequenceNumber: sequence,
                        timestamp: UInt32(frame * 3000), ssrc: 1)
                    bytes += [frame == 0 ? 0x65 : 0x41, 0x88] + [UInt8](repeating: 1, count: payloadSize - 2)
                }
                sequence &+= 1
            }
            core.perform(.burst(1, burst, nil), at: now, into: &batch)
            now = now.advanced(by: .milliseconds(33))
            core.advance(to: now, into: &batch)
            batch.flush()
        }
        let elapsed = martlet_thread_cpu_ns() - start
        return (Double(elapsed) / Double(max(sink.datagrams, 1)), sink.datagrams / max(sink.messages, 1))
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
