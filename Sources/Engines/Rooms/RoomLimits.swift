package import Primitives

/// How much rooms may hold, and how fast their participants may talk.
package struct RoomLimits: Sendable {
    /// Rooms with somebody in them; those of streams count too.
    package var rooms = 1_000
    package var participantsPerRoom = 256
    /// Everybody in all rooms, those included who were sent away and have not been told yet.
    package var participants = 10_000
    /// UTF-8 bytes of what participants are called.
    package var displayNameBytes = 128
    /// UTF-8 bytes of JSON text that a participant says about itself.
    package var metadataBytes = 1_024
    package var tracksPerParticipant = 8
    /// Bytes of one message.
    package var messageBytes = 16 << 10
    /// UTF-8 bytes of the reason for a kick.
    package var reasonBytes = 256
    /// Events that a room remembers, and their size: whoever has missed more is told the state anew.
    package var eventsPerRoom = 256
    package var eventBytesPerRoom = 256 << 10
    /// Messages of one participant per second on average, and at once.
    package var messagesPerSecond = 20
    package var messagesAtOnce = 40
    /// Bytes of one participant per second on average, and at once.
    package var bytesPerSecond = 64 << 10
    package var bytesAtOnce = 128 << 10
    /// How long a participant whose connection is gone keeps its place.
    package var resumeWindow = Interval.seconds(30)

    package init() {}
}
