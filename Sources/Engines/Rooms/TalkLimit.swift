import Primitives

/// How much a participant may say: messages and bytes, each on average and at once (a token bucket).
struct TalkLimit {
    private var messages: Double
    private var bytes: Double
    private var filledAt: Instant

    init(_ limits: RoomLimits, at now: Instant) {
        messages = Double(limits.messagesAtOnce)
        bytes = Double(limits.bytesAtOnce)
        filledAt = now
    }

    /// Takes one message of so many bytes.
    ///
    /// - Returns: Whether it may be said.
    mutating func take(_ byteCount: Int, _ limits: RoomLimits, at now: Instant) -> Bool {
        let seconds = max((now - filledAt).seconds, 0)
        filledAt = max(filledAt, now)
        messages = min(messages + seconds * Double(limits.messagesPerSecond), Double(limits.messagesAtOnce))
        bytes = min(bytes + seconds * Double(limits.bytesPerSecond), Double(limits.bytesAtOnce))
        guard messages >= 1, bytes >= Double(byteCount) else { return false }
        messages -= 1
        bytes -= Double(byteCount)
        return true
    }
}
