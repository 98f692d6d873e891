/// Why a room does not do what a participant asks for.
package enum RoomRefusal: Error, Sendable, Equatable, CaseIterable {
    case tooManyRooms
    case roomFull
    case tooManyParticipants
    case tooManyTracks
    case displayNameTooLong
    case metadataTooLarge
    case messageTooLarge
    case reasonTooLong
    /// The room or the participant is not there, or not any more.
    case unknownRoom
    case unknownParticipant
    /// Kicking and closing are for moderators.
    case roleNotAllowed
    case rateLimited
    /// The place of whoever comes back is gone, or is somebody else's.
    case unknownSession
}
