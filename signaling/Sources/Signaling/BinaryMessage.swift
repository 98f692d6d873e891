import Primitives
package import Rooms

/// What a client tells others in a binary frame.
///
/// From a client: the byte 1, the length of the recipient's id (0 for everybody), the id, and the payload. From the gateway: the byte 1, a
/// byte that is 1 for a message to this client alone and 0 otherwise, the number of the event in eight bytes, the length of the sender's
/// id, the id, and the payload. Numbers are big-endian.
package struct BinaryMessage: Sendable, Equatable {
    package var recipient: ParticipantID?
    package var payload: [UInt8]

    /// The first byte: the layout.
    static let layout: UInt8 = 1
    /// Bytes of a frame; those of the payload are bounded by ``RoomLimits/messageBytes``.
    package static let maximumSize = 64 << 10

    package init(recipient: ParticipantID? = nil, payload: [UInt8]) {
        self.recipient = recipient
        self.payload = payload
    }

    /// Reads a frame of a client.
    ///
    /// - Throws: ``SignalingError`` with words for the client.
    package init(parsing bytes: Span<UInt8>) throws(SignalingError) {
        guard bytes.count <= Self.maximumSize else {
            throw SignalingError(.messageTooLarge, "A binary message may have \(Self.maximumSize) bytes.")
        }
        var reader = ByteReader(bytes)
        do throws(ParseError) {
            guard try reader.readInteger(as: UInt8.self) == Self.layout else {
                throw ParseError.truncated(needed: 1, available: 0, offset: 0)
            }
            let length = Int(try reader.readInteger(as: UInt8.self))
            let name = try reader.readString(length)
            if length > 0 {
                guard let id = ParticipantID(name) else {
                    throw ParseError.truncated(needed: length, available: 0, offset: 2)
                }
                recipient = id
            }
            payload = try reader.readArray(reader.remaining)
        } catch {
            throw SignalingError(
                .malformedMessage,
                "A binary message begins with the byte 1, the length of the recipient's id, and the id.")
        }
    }

    /// A frame to a client.
    package static func bytes(
        event: UInt64, from sender: ParticipantID, isPrivate: Bool, payload: [UInt8]
    ) -> [UInt8] {
        let name = Array(sender.description.utf8)
        var bytes: [UInt8] = [layout, isPrivate ? 1 : 0]
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: event >> UInt64(shift)))
        }
        bytes.append(UInt8(truncatingIfNeeded: name.count))
        return bytes + name + payload
    }
}
