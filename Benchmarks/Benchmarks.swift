import Primitives
import RTP
import SRTP
import STUN

/// What one packet costs, with packets of the size that video is sent in.
@main
enum Benchmarks {
    static let payloadLength = 1154
    static let headerLength = 20

    static func main() throws {
        print("CPU time per packet of \(headerLength + payloadLength) bytes, best of 7 rounds\n")
        for backend in SRTPBackend.allCases {
            for profile in SRTPProfile.allCases {
                try protecting(profile, backend)
            }
        }
        for profile in SRTPProfile.allCases {
            try unprotecting(profile)
        }
        try headers()
    }

    private static func key(_ profile: SRTPProfile) -> (key: [UInt8], salt: [UInt8]) {
        (Array(0..<UInt8(profile.keyLength)), Array(0..<UInt8(profile.saltLength)))
    }

    private static func protecting(_ profile: SRTPProfile, _ backend: SRTPBackend) throws {
        let (key, salt) = key(profile)
        var sender = try SRTPSender(profile: profile, key: key, salt: salt, backend: backend)
        let payload = [UInt8](repeating: 7, count: payloadLength)
        let output = UnsafeMutableRawPointer.allocate(byteCount: 2048, alignment: 16)
        defer { output.deallocate() }
        writeHeader(to: output, sequenceNumber: 0)
        var index: UInt64 = 0
        payload.withUnsafeBytes { payload in
            measure("SRTP protect, \(profile), \(backend.rawValue)", count: 20_000) { _ in
                index += 1
                output.storeBytes(of: UInt16(truncatingIfNeeded: index).bigEndian, toByteOffset: 2, as: UInt16.self)
                keep(
                    sender.protect(
                        output, headerLength: headerLength, payload: payload, ssrc: 1, index: index))
            }
        }
    }

    private static func unprotecting(_ profile: SRTPProfile) throws {
        let (key, salt) = key(profile)
        let count = 20_000
        let rounds = 3
        let payload = [UInt8](repeating: 7, count: payloadLength)
        let slot = 2048
        let packets = UnsafeMutableRawPointer.allocate(byteCount: slot * count, alignment: 16)
        defer { packets.deallocate() }
        var sender = try SRTPSender(profile: profile, key: key, salt: salt)
        var receiver = try SRTPReceiver(profile: profile, key: key, salt: salt)
        var length = 0
        // Each round needs fresh packets, which the replay window has not seen.
        for round in 0..<rounds {
            for number in 0..<count {
                let packet = packets + slot * number
                let index = UInt64(round * count + number)
                writeHeader(to: packet, sequenceNumber: UInt16(truncatingIfNeeded: index))
                length = payload.withUnsafeBytes { payload in
                    sender.protect(packet, headerLength: headerLength, payload: payload, ssrc: 1, index: index)
                }
            }
            guard round == rounds - 1 else {
                for number in 0..<count {
                    _ = try receiver.unprotect(
                        UnsafeMutableRawBufferPointer(start: packets + slot * number, count: length))
                }
                continue
            }
            try measure("SRTP unprotect, \(profile)", rounds: 1, count: count) { number in
                keep(
                    try receiver.unprotect(
                        UnsafeMutableRawBufferPointer(start: packets + slot * number, count: length)))
            }
        }
    }

    private static func headers() throws {
        let packet = UnsafeMutableRawPointer.allocate(byteCount: 2048, alignment: 16)
        defer { packet.deallocate() }
        writeHeader(to: packet, sequenceNumber: 1)
        let bytes = [UInt8](UnsafeRawBufferPointer(start: packet, count: headerLength + payloadLength))
        try measure("RTP header with an extension, parsed", count: 200_000) { _ in
            keep(try RTPHeader(parsing: bytes.span))
        }
        measure("STUN or not", count: 200_000) { _ in
            keep(STUNPeek.isSTUN(bytes.span))
        }
    }

    /// A header with one block of one-byte extensions (RFC 8285): 20 bytes.
    private static func writeHeader(to packet: UnsafeMutableRawPointer, sequenceNumber: UInt16) {
        packet.initializeMemory(as: UInt8.self, repeating: 0, count: headerLength)
        packet.storeBytes(of: 0x90, as: UInt8.self)
        packet.storeBytes(of: 96, toByteOffset: 1, as: UInt8.self)
        packet.storeBytes(of: sequenceNumber.bigEndian, toByteOffset: 2, as: UInt16.self)
        packet.storeBytes(of: UInt32(1).bigEndian, toByteOffset: 8, as: UInt32.self)
        packet.storeBytes(of: UInt32(0xBEDE_0001).bigEndian, toByteOffset: 12, as: UInt32.self)
    }
}
