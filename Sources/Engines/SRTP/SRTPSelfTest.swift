package import Primitives

/// The choice of a backend at start: the fastest one that makes the right bytes.
package enum SRTPSelfTest {
    /// Packets that are sealed by each backend to measure it; together well under a millisecond.
    private static let rounds = 256
    private static let payloadLength = 1100

    /// Compares the backends on packets of AES-128-GCM, as browsers ask for it.
    ///
    /// - Parameter now: Any clock that runs while this thread does.
    /// - Returns: ``SRTPBackend/multiBuffer`` where it is there, makes the bytes that OpenSSL makes and is faster; else
    ///   ``SRTPBackend/openssl``.
    package static func fastestBackend(now: () -> Instant) -> SRTPBackend {
        guard SRTPBackend.multiBuffer.problem == nil, let expected = measure(.openssl, now: now),
            let candidate = measure(.multiBuffer, now: now), candidate.datagrams == expected.datagrams,
            candidate.elapsed < expected.elapsed
        else { return .openssl }
        return .multiBuffer
    }

    /// Seals `rounds` packets of one key; `nil` when the backend failed.
    private static func measure(
        _ backend: SRTPBackend, now: () -> Instant
    ) -> (datagrams: [UInt8], elapsed: Interval)? {
        let key = (0..<16).map { UInt8($0) }
        let room = PacketLayout.minimumRTPLength + payloadLength + SRTPProfile.aeadAES128GCM.rtpTagLength
        let payload = (0..<payloadLength).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var datagrams = [UInt8](repeating: 0x80, count: rounds * room)
        guard
            var sender = try? SRTPSender(
                profile: .aeadAES128GCM, key: key, salt: Array(key.prefix(12)), backend: backend)
        else { return nil }
        let start = now()
        let isSealed = datagrams.withUnsafeMutableBytes { output in
            payload.withUnsafeBytes { payload in
                (0..<rounds).allSatisfy { round in
                    sender.protect(
                        output.baseAddress! + round * room, headerLength: PacketLayout.minimumRTPLength,
                        payload: payload,
                        ssrc: 1, index: UInt64(round)) == room
                }
            }
        }
        return isSealed ? (datagrams, now() - start) : nil
    }
}
