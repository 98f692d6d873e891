import Primitives
import Synchronization
import Testing

@testable import Auth

@Suite("Node tokens")
struct NodeTokensTests {
    private static let secret = Secret(String(repeating: "s", count: 32))
    private static let stream = StreamName("cam")!

    private func tokens(_ secret: Secret? = secret, at seconds: Int64 = 1_000_000) -> NodeTokens {
        NodeTokens(secret: { secret }, now: { seconds })
    }

    @Test func `a token is good for its stream and half a minute, and says which gateways it has passed`() throws {
        let token = try #require(tokens().issue(stream: Self.stream, visited: ["a", "b"]))
        #expect(NodeTokens.looksLike(token))
        #expect(tokens().verify(token, stream: Self.stream) == ["a", "b"])
        #expect(tokens().verify(token, stream: StreamName("other")!) == nil)
        #expect(tokens(at: 1_000_034).verify(token, stream: Self.stream) != nil)
        #expect(tokens(at: 1_000_035).verify(token, stream: Self.stream) == nil)
        #expect(tokens(at: 999_994).verify(token, stream: Self.stream) == nil, "nobody gets one for longer")
    }

    @Test func `another secret, or none, makes and takes no token`() throws {
        let token = try #require(tokens().issue(stream: Self.stream, visited: ["a"]))
        #expect(tokens(Secret(String(repeating: "t", count: 32))).verify(token, stream: Self.stream) == nil)
        #expect(tokens(nil).verify(token, stream: Self.stream) == nil)
        #expect(tokens(nil).issue(stream: Self.stream, visited: ["a"]) == nil)
    }

    @Test func `a token of a user is none, even where it is signed with the same secret`() async throws {
        let authority = await TokenAuthority(secret: Self.secret, now: { 1_000_000 })
        let pattern = try #require(StreamPattern("cam"))
        let token = try await authority.issue(stream: pattern, permissions: [.play], lifetime: .seconds(20))
        #expect(tokens().verify(token, stream: Self.stream) == nil && !NodeTokens.looksLike(token))
        let node = try #require(tokens().issue(stream: Self.stream, visited: ["a"]))
        await #expect(throws: TokenProblem.self) { try await authority.verify(node.revealed) }
    }

    @Test func `a token that was changed, cut short or has passed too many gateways does not count`() throws {
        let text = try #require(tokens().issue(stream: Self.stream, visited: ["a"])).revealed
        for length in 0..<text.count {
            #expect(tokens().verify(Secret(String(text.prefix(length))), stream: Self.stream) == nil)
        }
        for index in text.indices {
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "x" ? "y" : "x")
            #expect(tokens().verify(Secret(changed), stream: Self.stream) == nil)
        }
        let far = try #require(
            tokens().issue(stream: Self.stream, visited: ["a", "b", "c", "d", "e"]))
        #expect(tokens().verify(far, stream: Self.stream) == nil)
        let long = try #require(
            tokens().issue(stream: Self.stream, visited: [String(repeating: "a", count: 2000)]))
        #expect(tokens().verify(long, stream: Self.stream) == nil)
    }
}
