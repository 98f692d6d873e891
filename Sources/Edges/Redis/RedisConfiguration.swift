package import Primitives

/// Which Redis, and how to be let in.
package struct RedisConfiguration: Sendable, Equatable {
    /// A literal address or a name.
    package var host: String
    package var port: UInt16
    /// `nil` for the user `default`.
    package var user: String?
    /// `nil` where none is asked for.
    package var password: Secret?
    package var database: Int
    /// How long an answer may take.
    package var patience = Interval.seconds(1)

    package init(
        host: String, port: UInt16 = 6379, user: String? = nil, password: Secret? = nil, database: Int = 0
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.database = database
    }

    /// What a connection begins with: who we are, which database, and whether anybody answers.
    var greeting: [[String]] {
        var commands: [[String]] = []
        if let password { commands.append(["AUTH"] + (user.map { [$0] } ?? []) + [password.revealed]) }
        if database != 0 { commands.append(["SELECT", "\(database)"]) }
        return commands + [["PING"]]
    }
}
