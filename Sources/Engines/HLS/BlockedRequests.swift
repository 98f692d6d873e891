package import Primitives

/// Requests that are held open until there is something to answer.
///
/// Looking through them costs one comparison each, whenever a part is complete.
package struct BlockedRequests: Sendable {
    package struct Request: Sendable {
        package var id: UInt64
        package var name: ResourceName
        package var directives: PlaylistDirectives
        package var deadline: Instant

        package init(id: UInt64, name: ResourceName, directives: PlaylistDirectives, deadline: Instant) {
            self.id = id
            self.name = name
            self.directives = directives
            self.deadline = deadline
        }
    }

    /// No more are held for one stream; the next is turned away.
    package static let maximumCount = 4_096

    package private(set) var requests: [Request] = []

    package init() {}

    package var count: Int { requests.count }

    /// Holds a request.
    ///
    /// - Parameter request: With an identifier of its own.
    /// - Returns: `false` when there are too many.
    package mutating func hold(_ request: Request) -> Bool {
        guard requests.count < Self.maximumCount else { return false }
        requests.append(request)
        return true
    }

    /// Gives up a request whose client has gone.
    package mutating func cancel(_ id: UInt64) {
        requests.removeAll { $0.id == id }
    }

    /// Takes out the requests that can be answered by now, with their answers.
    package mutating func answered(by presentation: Presentation) -> [(request: Request, answer: PresentationAnswer)] {
        var answered: [(Request, PresentationAnswer)] = []
        // Many wait for the same: a playlist is written once.
        var known: [Key: PresentationAnswer] = [:]
        requests.removeAll { request in
            let key = Key(name: request.name, directives: request.directives)
            let answer = known[key] ?? presentation.answer(request.name, directives: request.directives)
            known[key] = answer
            if case .wait = answer { return false }
            answered.append((request, answer))
            return true
        }
        return answered
    }

    /// Takes out the requests that have waited too long.
    package mutating func expired(at now: Instant) -> [UInt64] {
        let late = requests.filter { $0.deadline <= now }.map(\.id)
        if !late.isEmpty { requests.removeAll { $0.deadline <= now } }
        return late
    }

    private struct Key: Hashable {
        var name: ResourceName
        var directives: PlaylistDirectives
    }
}
