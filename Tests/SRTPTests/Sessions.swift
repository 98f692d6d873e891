import SRTP
import TestSupport

/// A master key and salt to test with, different for each seed.
struct MasterKey {
    let key: [UInt8]
    let salt: [UInt8]

    init(_ profile: SRTPProfile, seed: UInt64 = 1) {
        var generator = SeededGenerator(seed: seed)
        key = .random(count: profile.keyLength, using: &generator)
        salt = .random(count: profile.saltLength, using: &generator)
    }
}

extension SRTPBackend {
    /// Those that this machine has.
    static let usable = allCases.filter { $0.problem == nil }
    /// Our own framing, over each library of ciphers that this machine has.
    static let ours = usable.filter { $0 != .libsrtp2 }
}

extension SRTPSender {
    init(_ profile: SRTPProfile, _ backend: SRTPBackend = .openssl, seed: UInt64 = 1) throws {
        let master = MasterKey(profile, seed: seed)
        try self.init(profile: profile, key: master.key, salt: master.salt, backend: backend)
    }

    /// Protects a whole RTP packet; empty when refused.
    mutating func protect(_ packet: RTPPacket, index: UInt64) -> [UInt8] {
        var buffer = packet.header + [UInt8](repeating: 0xEE, count: packet.payload.count + 32)
        let length = buffer.withUnsafeMutableBytes { output in
            packet.payload.withUnsafeBytes { payload in
                protect(
                    output.baseAddress!,
                    headerLength: packet.header.count,
                    payload: payload,
                    ssrc: packet.ssrc,
                    index: index
                )
            }
        }
        return Array(buffer.prefix(length))
    }

    mutating func protectRTCP(_ packet: [UInt8]) -> [UInt8] {
        var buffer = packet + [UInt8](repeating: 0xEE, count: 32)
        let length = buffer.withUnsafeMutableBytes { protectRTCP($0.baseAddress!, length: packet.count) }
        return Array(buffer.prefix(length))
    }
}

extension SRTPReceiver {
    init(_ profile: SRTPProfile, _ backend: SRTPBackend = .openssl, seed: UInt64 = 1) throws {
        let master = MasterKey(profile, seed: seed)
        try self.init(profile: profile, key: master.key, salt: master.salt, backend: backend)
    }

    mutating func open(_ datagram: [UInt8]) -> Result<[UInt8], SRTPError> {
        var copy = datagram
        let length = copy.withUnsafeMutableBytes { bytes in
            Result { () throws(SRTPError) in try unprotect(bytes) }
        }
        return length.map { Array(copy.prefix($0)) }
    }

    mutating func openRTCP(_ datagram: [UInt8]) -> Result<[UInt8], SRTPError> {
        var copy = datagram
        let length = copy.withUnsafeMutableBytes { bytes in
            Result { () throws(SRTPError) in try unprotectRTCP(bytes) }
        }
        return length.map { Array(copy.prefix($0)) }
    }
}

/// An RTP packet in the clear.
struct RTPPacket {
    var header: [UInt8]
    var payload: [UInt8]
    var ssrc: UInt32

    var bytes: [UInt8] { header + payload }

    /// Shape 0 is a bare header, 1 has an extension, 2 has two CSRCs and an extension.
    init(sequenceNumber: UInt16, ssrc: UInt32 = 0xDEAD_BEEF, payloadLength: Int = 100, shape: Int = 0) {
        var generator = SeededGenerator(seed: UInt64(sequenceNumber) << 16 | UInt64(payloadLength))
        self.ssrc = ssrc
        header = [0x80, 96] + sequenceNumber.bytes + UInt32(sequenceNumber).bytes + ssrc.bytes
        if shape == 2 {
            header[0] |= 2
            header += UInt32(11).bytes + UInt32(12).bytes
        }
        if shape >= 1 {
            header[0] |= 0x10
            header += [0xBE, 0xDE, 0, 2, 0x10, 5, 0x21, 1, 2, 0, 0, 0]
        }
        payload = .random(count: payloadLength, using: &generator)
    }
}

/// A receiver report with as many bytes behind its header as asked for.
func rtcpPacket(ssrc: UInt32 = 0xDEAD_BEEF, bodyLength: Int = 24) -> [UInt8] {
    var generator = SeededGenerator(seed: UInt64(bodyLength))
    return [0x81, 201, 0, UInt8(truncatingIfNeeded: 1 + bodyLength / 4)] + ssrc.bytes
        + [UInt8].random(count: bodyLength, using: &generator)
}

extension FixedWidthInteger {
    /// Big-endian.
    var bytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}

extension [UInt8] {
    static func random(count: Int, using generator: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    init(hexadecimal text: String) {
        let digits = text.compactMap(\.hexDigitValue)
        self = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

extension Result {
    var error: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
    var value: Success? { try? get() }
}
