/// The replay windows of the sources that send under one key: a few, found by linear search.
struct ReceivedSources {
    /// A peer with simulcast and retransmission uses a dozen.
    static let maximumCount = 32

    private var ssrcs: [UInt32] = []
    private var windows: [ReplayWindow] = []

    /// The position of `ssrc`; `nil` when nothing of it has been accepted.
    func position(of ssrc: UInt32) -> Int? {
        for position in ssrcs.indices where ssrcs[position] == ssrc { return position }
        return nil
    }

    func newest(at position: Int?) -> UInt64? {
        guard let position else { return nil }
        return windows[position].newest
    }

    /// Refuses what is known before any cryptography is paid for.
    func check(_ index: UInt64, at position: Int?) throws(SRTPError) {
        if let position {
            guard windows[position].admits(index) else { throw .replayed }
        } else {
            guard ssrcs.count < Self.maximumCount else { throw .tooManySSRCs }
        }
    }

    /// Remembers a packet that authenticated.
    ///
    /// `position` is that of before, `nil` for a source that is new.
    mutating func accept(_ index: UInt64, ssrc: UInt32, at position: Int?) {
        if let position {
            windows[position].accept(index)
        } else {
            var window = ReplayWindow()
            window.accept(index)
            ssrcs.append(ssrc)
            windows.append(window)
        }
    }
}

/// Guesses of the 48-bit packet index (RFC 3711 §3.3.1 and appendix A).
enum SRTPPacketIndex {
    /// The index that `sequenceNumber` most likely has, given the newest one accepted from the same source.
    ///
    /// The first packet of a source is taken to be in its first round. While the newest index is still in the first
    /// half of that round nothing can lie before it, so that a great jump is read as forward.
    static func estimate(sequenceNumber: UInt16, newest: UInt64?) -> UInt64 {
        guard let newest, newest > 0x8000 else { return UInt64(sequenceNumber) }
        let distance = sequenceNumber &- UInt16(truncatingIfNeeded: newest)
        let estimate =
            distance < 0x8000 ? newest &+ UInt64(distance) : newest &- UInt64(0x1_0000 - UInt64(distance))
        return estimate & 0xFFFF_FFFF_FFFF
    }
}
