import Foundation
import Testing

@testable import Conformance

@Suite("Addresses of endpoints")
struct EndpointTests {
    @Test(arguments: [
        ("http://localhost:8080/whep/cam", EndpointKind.whep, "http://localhost:8080"),
        ("https://example.org/cam/WHIP?token=x#y", .whip, "https://example.org"),
        ("http://[::1]:8080/rtc/v1/whep/?app=live", .whep, "http://[::1]:8080"),
    ])
    func `the path says what an endpoint is`(address: String, kind: EndpointKind, origin: String) throws {
        let endpoint = try Endpoint(address)
        #expect(endpoint.kind == kind)
        #expect(endpoint.origin == origin)
        #expect(endpoint.url.fragment() == nil)
    }

    @Test(arguments: [
        ("", EndpointProblem.notAnAddress), ("localhost/whep/cam", .notAnAddress),
        ("ftp://localhost/whep", .notAnAddress),
        ("http:///whep/cam", .notAnAddress), ("http://me:secret@localhost/whep/cam", .holdsPassword),
        ("http://localhost/cam", .unknownKind), ("http://localhost/whip/whep", .unknownKind),
    ])
    func `an address that cannot be examined is refused`(address: String, problem: EndpointProblem) {
        #expect(throws: problem) { try Endpoint(address) }
    }

    @Test func `what the path leaves open can be said`() throws {
        #expect(try Endpoint("http://localhost/cam", kind: .whip).kind == .whip)
        #expect(try Endpoint("http://localhost/whep/cam", origin: "https://a.example").origin == "https://a.example")
        #expect(throws: EndpointProblem.notAnAddress) { try Endpoint("http://localhost/whep/cam", idle: "cam2") }
    }

    @Test(arguments: [
        ("http://h/whep/cam?k=v", "http://h/whep/other?k=v"), ("http://h/a/cam/whep", "http://h/a/other/whep"),
        ("http://h/whep", nil),
    ])
    func `a stream has neighbours`(address: String, neighbour: String?) throws {
        #expect(try Endpoint(address).neighbour("other")?.absoluteString == neighbour)
    }

    @Test(arguments: [
        ("/s/1", "https://h/s/1"), ("1", "https://h/whep/1"), ("https://other/1", "https://other/1"),
        ("//other/1", "https://other/1"), ("http://h/1", nil), ("", nil), ("ftp://h/1", nil),
    ])
    func `a Location leads on, but not down from HTTPS`(location: String, url: String?) throws {
        let base = try #require(URL(string: "https://h/whep/cam"))
        #expect(Endpoint.resolve(location, from: base)?.absoluteString == url)
    }
}
