package import Primitives

/// The name of a tenant: what `StreamName` allows, without dots, and at most 64 of it.
///
/// Without a dot, so that ``RoomName/scope`` can be read in one way only.
package struct Namespace: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Where rooms are that name no other, and where streams are seen.
    package static let standard = Namespace(unchecked: "default")
    package static let maximumLength = 64

    /// - Returns: `nil` when `text` is not a valid name.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= Self.maximumLength, !text.utf8.contains(UInt8(ascii: ".")),
            let name = StreamName(text)
        else { return nil }
        description = name.description
    }

    private init(unchecked text: String) {
        description = text
    }
}

/// A room of a tenant.
package struct RoomName: Hashable, Sendable, CustomStringConvertible {
    package var namespace: Namespace
    package var name: StreamName

    package init(namespace: Namespace = .standard, name: StreamName) {
        self.namespace = namespace
        self.name = name
    }

    package var description: String { "\(namespace)/\(name)" }

    /// What a credential must be for: the room's name, behind the namespace and a dot where that is not the standard one.
    ///
    /// `nil` when both together are longer than a name may be, so that no credential fits.
    package var scope: StreamName? {
        namespace == .standard ? name : StreamName("\(namespace).\(name)")
    }
}
