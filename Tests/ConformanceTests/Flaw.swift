import Conformance
import Foundation
import HTTPTypes
import SDP
import Testing

/// One thing that a server does wrong, and the rows that have to say so.
struct Flaw: Sendable, CustomTestStringConvertible {
    var name: String
    var kind = EndpointKind.whep
    var fails: Set<Row>
    /// Whether sessions stay that nobody could end.
    var leavesSessions = false
    var keepsAbandoned = false
    var media = ReferencePeer.Flaw.none
    /// What it does to a request before it looks at it.
    var before: @Sendable (inout ProbeRequest, inout ReferenceServer.State) -> Void = { _, _ in }
    /// What it does to an answer that would be right.
    var after: @Sendable (ProbeRequest, inout ProbeResponse) -> Void = { _, _ in }

    var testDescription: String { name }

    /// A server that answers as it should, and then something else.
    init(
        _ name: String, _ kind: EndpointKind = .whep, fails: Set<Row>, leavesSessions: Bool = false,
        after: @escaping @Sendable (ProbeRequest, inout ProbeResponse) -> Void
    ) {
        self.name = name
        self.kind = kind
        self.fails = fails
        self.leavesSessions = leavesSessions
        self.after = after
    }

    /// A server that does something else.
    init(
        _ name: String, fails: Set<Row>,
        before: @escaping @Sendable (inout ProbeRequest, inout ReferenceServer.State) -> Void
    ) {
        self.name = name
        self.fails = fails
        self.before = before
    }

    /// A server that writes entity tags in a form of its own, and understands it.
    init(
        _ name: String, _ kind: EndpointKind = .whep, tagged: @escaping @Sendable (String) -> String,
        read: @escaping @Sendable (String) -> String
    ) {
        self.name = name
        self.kind = kind
        fails = [.entityTag]
        before = { request, _ in
            if let match = request.fields[.ifMatch], match != "*" { request.fields[.ifMatch] = read(match) }
        }
        after = { _, response in
            if response.status == 201, let tag = response.fields[.eTag] { response.fields[.eTag] = tagged(tag) }
        }
    }

    /// A server whose media are wrong.
    init(_ name: String, _ kind: EndpointKind = .whep, media: ReferencePeer.Flaw, fails: Set<Row>) {
        self.name = name
        self.kind = kind
        self.media = media
        self.fails = fails
    }

    init(keepingAbandoned name: String) {
        self.name = name
        fails = [.abandoned]
        keepsAbandoned = true
    }

    /// A server whose answers to offers are wrong.
    static func answer(
        _ name: String, _ kind: EndpointKind = .whep, fails: Set<Row>,
        _ change: @escaping @Sendable (inout SessionDescription) -> Void
    ) -> Flaw {
        Flaw(name, kind, fails: fails) { request, response in
            guard request.isPost, response.status == 201,
                var answer = try? SessionDescription(parsing: response.body)
            else { return }
            change(&answer)
            response.body = Array(answer.text.utf8)
        }
    }
}

extension ProbeRequest {
    var isSession: Bool { url.path().split(separator: "/").count == 3 }
    var isEndpoint: Bool { !isSession }
    var isPost: Bool { method == .post }
    var isPatch: Bool { method == .patch }
    var isDelete: Bool { method == .delete }
    var isPreflight: Bool { method == .options && fields[.accessControlRequestMethod] != nil }
    var isPlainOptions: Bool { method == .options && !isPreflight }
    var session: String { url.lastPathComponent }
}

extension SessionDescription {
    /// Changes an attribute everywhere.
    mutating func set(_ name: String, _ value: String?) {
        for index in media.indices {
            for position in media[index].attributes.elements.indices
            where media[index].attributes.elements[position].name == name {
                media[index].attributes.elements[position].value = value
            }
        }
    }

    mutating func remove(_ name: String) {
        attributes.elements.removeAll { $0.name == name }
        for index in media.indices { media[index].attributes.elements.removeAll { $0.name == name } }
    }
}
