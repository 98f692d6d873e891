package import Primitives

/// A packet's place in the order in which its sender gave packets to the transport (TWCC draft §2.1).
package enum TransportSequenceNumber {
    /// Reads the two bytes of version 1 or the first two of version 2's four; `nil` when there are fewer.
    package static func parse(_ value: Span<UInt8>) -> UInt16? {
        value.count >= 2 ? value.uint16(at: 0) : nil
    }

    package static func element(id: UInt8, sequenceNumber: UInt16) -> RTPHeaderExtensions.Element {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: sequenceNumber)
        return RTPHeaderExtensions.Element(id: id, value: bytes)
    }
}

/// When a frame was captured, by the clock of whoever captured it (the `abs-capture-time` extension).
package struct AbsoluteCaptureTime: Equatable, Sendable {
    package var capturedAt: NTPTime
    /// Capturer's clock less the sender's clock, as signed 32.32 fixed point seconds; `nil` when not known.
    package var clockOffset: Int64?

    package init(capturedAt: NTPTime, clockOffset: Int64? = nil) {
        self.capturedAt = capturedAt
        self.clockOffset = clockOffset
    }

    /// Reads the element's bytes: 8, or 16 with the clock offset; `nil` when there are fewer.
    package init?(parsing value: Span<UInt8>) {
        guard value.count >= 8 else { return nil }
        capturedAt = NTPTime(rawValue: value.uint64(at: 0))
        clockOffset = value.count >= 16 ? Int64(bitPattern: value.uint64(at: 8)) : nil
    }

    package func element(id: UInt8) -> RTPHeaderExtensions.Element {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt32(truncatingIfNeeded: capturedAt.rawValue >> 32))
        bytes.append(bigEndian: UInt32(truncatingIfNeeded: capturedAt.rawValue))
        if let clockOffset {
            bytes.append(bigEndian: UInt32(truncatingIfNeeded: clockOffset >> 32))
            bytes.append(bigEndian: UInt32(truncatingIfNeeded: clockOffset))
        }
        return RTPHeaderExtensions.Element(id: id, value: bytes)
    }
}

/// When a packet left its sender: seconds as 6.18 fixed point, wrapping every 64 s (the `abs-send-time` extension).
package struct AbsoluteSendTime: Equatable, Sendable {
    /// 0..<2^24, in units of 1/262,144 s.
    package var rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue & 0xFF_FFFF
    }

    /// The middle 24 bits of `time`: six of the seconds, eighteen of the fraction.
    package init(_ time: NTPTime) {
        rawValue = UInt32(truncatingIfNeeded: time.rawValue >> 14) & 0xFF_FFFF
    }

    /// Reads the element's bytes; `nil` when there are too few.
    package init?(parsing value: Span<UInt8>) {
        guard value.count >= 3 else { return nil }
        rawValue = value.uint24(at: 0)
    }

    package func element(id: UInt8) -> RTPHeaderExtensions.Element {
        RTPHeaderExtensions.Element(
            id: id,
            value: [
                UInt8(truncatingIfNeeded: rawValue >> 16), UInt8(truncatingIfNeeded: rawValue >> 8),
                UInt8(truncatingIfNeeded: rawValue),
            ]
        )
    }
}

/// How many clock ticks after its timestamp a packet was sent (RFC 5450 §3).
package enum TransmissionTimeOffset {
    /// Ticks of the stream's RTP clock, -2^23..<2^23; `nil` when `value` is too short.
    package static func parse(_ value: Span<UInt8>) -> Int32? {
        value.count >= 3 ? Int32(bitPattern: value.uint24(at: 0) << 8) >> 8 : nil
    }
}

/// The limits that a sender sets to the receiver's jitter buffer (the `playout-delay` extension).
///
/// Both in steps of 10 ms, 0...4,095. Zero and zero asks the receiver to show frames as soon as they are decoded.
package struct PlayoutDelay: Equatable, Sendable {
    package var minimum: UInt16
    package var maximum: UInt16

    package init(minimum: UInt16, maximum: UInt16) {
        self.minimum = min(minimum, 0xFFF)
        self.maximum = min(maximum, 0xFFF)
    }

    /// Reads the element's bytes; `nil` when there are too few.
    package init?(parsing value: Span<UInt8>) {
        guard value.count >= 3 else { return nil }
        let both = value.uint24(at: 0)
        minimum = UInt16(truncatingIfNeeded: both >> 12)
        maximum = UInt16(truncatingIfNeeded: both & 0xFFF)
    }

    package func element(id: UInt8) -> RTPHeaderExtensions.Element {
        RTPHeaderExtensions.Element(
            id: id,
            value: [
                UInt8(truncatingIfNeeded: minimum >> 4),
                UInt8(truncatingIfNeeded: minimum << 4 | maximum >> 8),
                UInt8(truncatingIfNeeded: maximum),
            ]
        )
    }
}

/// The loudness of one audio packet (RFC 6464 §3).
package struct AudioLevel: Equatable, Sendable {
    /// Whether the sender's detector hears a voice.
    package var isVoice: Bool
    /// -dBov: 0 is the loudest, 127 is silence.
    package var level: UInt8

    package init(isVoice: Bool, level: UInt8) {
        self.isVoice = isVoice
        self.level = level & 0x7F
    }

    /// Reads the element's one byte; `nil` when there is none.
    package init?(parsing value: Span<UInt8>) {
        guard value.count >= 1 else { return nil }
        isVoice = value[0] & 0x80 != 0
        level = value[0] & 0x7F
    }

    package func element(id: UInt8) -> RTPHeaderExtensions.Element {
        RTPHeaderExtensions.Element(id: id, value: [(isVoice ? 0x80 : 0) | (level & 0x7F)])
    }
}

/// How a picture must be turned for display (3GPP TS 26.114 §7.4.5).
package struct VideoOrientation: Equatable, Sendable {
    /// Clockwise turn to apply, in degrees: 0, 90, 180 or 270.
    package var rotation: Int
    package var isFlipped: Bool
    package var isBackCamera: Bool

    /// Reads the element's one byte; `nil` when there is none.
    package init?(parsing value: Span<UInt8>) {
        guard value.count >= 1 else { return nil }
        rotation = Int(value[0] & 0x03) * 90
        isFlipped = value[0] & 0x04 != 0
        isBackCamera = value[0] & 0x08 != 0
    }
}
