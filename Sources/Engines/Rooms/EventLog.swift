/// The last events of a room, each stored once for all who are to be told.
///
/// Participants hold a number instead of a queue, so that one who does not read costs nothing.
struct EventLog {
    struct Entry {
        var event: RoomEvent
        /// `nil` for everybody.
        var recipient: ParticipantID?
        /// Whose doing it is, and who need not be told.
        var origin: ParticipantID?

        func concerns(_ participant: ParticipantID) -> Bool {
            if let recipient { return recipient == participant }
            return origin != participant
        }
    }

    private var entries: [Entry] = []
    /// Entries at the front that are forgotten already, so that removing one does not move all.
    private var skipped = 0
    private var byteCount = 0
    /// The number of the last event; 0 before the first.
    private(set) var last: UInt64 = 0

    var count: Int { entries.count - skipped }
    /// The number that the oldest remembered event has, or the next one will have.
    var first: UInt64 { last - UInt64(count) + 1 }

    /// Remembers an event, and forgets old ones beyond the limits.
    mutating func append(_ entry: Entry, limits: RoomLimits) {
        entries.append(entry)
        last += 1
        byteCount += entry.event.byteCount
        while count > 0, count > limits.eventsPerRoom || byteCount > limits.eventBytesPerRoom {
            byteCount -= entries[skipped].event.byteCount
            // What it holds is large compared with the entry.
            entries[skipped].event = .presence(.stream, .away)
            skipped += 1
        }
        if skipped > limits.eventsPerRoom {
            entries.removeFirst(skipped)
            skipped = 0
        }
    }

    /// The first event behind `number` that concerns a participant, and its number.
    ///
    /// - Returns: `nil` when there is none; ``last`` has been seen then.
    func next(after number: UInt64, for participant: ParticipantID) -> (number: UInt64, event: RoomEvent)? {
        guard number < last else { return nil }
        let start = max(number + 1, first)
        for index in Int(start - first) + skipped..<entries.count where entries[index].concerns(participant) {
            return (first + UInt64(index - skipped), entries[index].event)
        }
        return nil
    }
}
