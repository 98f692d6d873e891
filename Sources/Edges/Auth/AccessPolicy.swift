/// Who needs a credential for what.
package struct AccessPolicy: Sendable, Equatable {
    package enum Anonymous: String, Sendable, CaseIterable {
        case nobody
        /// See ``RequestOrigin/isLoopback``.
        case loopback
        case anyone
    }

    package var publish: Anonymous = .loopback
    package var play: Anonymous = .anyone
    /// Who may take part in rooms.
    package var rooms: Anonymous = .loopback
    package var admin: Anonymous = .loopback
    package var keys: [StreamKey] = []

    /// A stream key, of which only the digest is known.
    package struct StreamKey: Sendable, Equatable {
        package var pattern: StreamPattern
        /// 64 lower-case hexadecimal digits.
        package var sha256: String

        package init(pattern: StreamPattern = .any, sha256: String) {
            self.pattern = pattern
            self.sha256 = sha256
        }
    }

    package init(
        publish: Anonymous = .loopback,
        play: Anonymous = .anyone,
        rooms: Anonymous = .loopback,
        admin: Anonymous = .loopback,
        keys: [StreamKey] = []
    ) {
        self.publish = publish
        self.play = play
        self.rooms = rooms
        self.admin = admin
        self.keys = keys
    }

    func anonymous(for permission: Permission) -> Anonymous {
        switch permission {
        case .publish: publish
        case .play: play
        case .subscribe: rooms
        case .admin: admin
        }
    }
}
