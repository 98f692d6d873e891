/// Says of a datagram that nobody owns yet whether it is STUN and whose it is.
///
/// Nothing here checks integrity: what it says is a hint for routing, never a reason to trust.
package enum STUNPeek {
    /// Whether `datagram` has the header of a STUN message of exactly its length.
    ///
    /// - Complexity: O(1); never allocates.
    package static func isSTUN(_ datagram: Span<UInt8>) -> Bool {
        guard datagram.count >= STUNMessage.headerLength, datagram[0] & 0xC0 == 0,
            datagram[4] == 0x21, datagram[5] == 0x12, datagram[6] == 0xA4, datagram[7] == 0x42
        else { return false }
        let length = Int(datagram[2]) << 8 | Int(datagram[3])
        return length % 4 == 0 && length == datagram.count - STUNMessage.headerLength
    }

    /// The part before the colon of a Binding request's USERNAME: the fragment of the agent it is meant for.
    ///
    /// - Returns: `nil` when `datagram` is no Binding request, is malformed before its USERNAME, or has none.
    /// - Complexity: Allocates only the result.
    package static func localUsernameFragment(of datagram: Span<UInt8>) -> [UInt8]? {
        guard isSTUN(datagram), datagram[0] == 0, datagram[1] == 1 else { return nil }
        var offset = STUNMessage.headerLength
        // The length is a multiple of 4, so that whatever is left holds at least an attribute's header.
        while offset + 4 <= datagram.count {
            let type = UInt16(datagram[offset]) << 8 | UInt16(datagram[offset + 1])
            let length = Int(datagram[offset + 2]) << 8 | Int(datagram[offset + 3])
            let value = offset + 4
            guard length <= datagram.count - value else { return nil }
            if type == STUNAttributeType.username.rawValue {
                return fragment(in: datagram.extracting(value..<(value + length)))
            }
            offset = value + (length + 3) / 4 * 4
        }
        return nil
    }

    private static func fragment(in username: Span<UInt8>) -> [UInt8]? {
        guard username.count <= STUNAttribute.maximumUsernameLength,
            let colon = username.indices.first(where: { username[$0] == UInt8(ascii: ":") })
        else { return nil }
        var fragment: [UInt8] = []
        fragment.reserveCapacity(colon)
        for index in 0..<colon { fragment.append(username[index]) }
        return fragment
    }
}
