import MediaIO
import Primitives
import Testing

@Suite("The media port")
struct MediaPlaneTests {
    @Test func `a second gateway cannot join the port of the first`() throws {
        let first = try MediaPlane(configuration: .init(host: "127.0.0.1", port: 0, workers: 2)) { _ in }
        defer { first.stop() }
        #expect(first.port != 0)
        #expect(throws: MediaPlaneError.portInUse(host: "127.0.0.1", port: first.port, holder: nil)) {
            try MediaPlane(configuration: .init(host: "127.0.0.1", port: first.port)) { _ in }
        }
    }

    @Test func `the port is free again after a stop`() throws {
        let first = try MediaPlane(configuration: .init(host: "127.0.0.1", port: 0)) { _ in }
        let port = first.port
        first.stop()
        let second = try MediaPlane(configuration: .init(host: "127.0.0.1", port: port)) { _ in }
        #expect(second.port == port)
        second.stop()
    }

    @Test func `a host that is no address is refused by name`() {
        #expect(throws: MediaPlaneError.badHost("example.org")) {
            try MediaPlane(configuration: .init(host: "example.org", port: 0)) { _ in }
        }
    }

    @Test func `announced addresses replace the local ones and carry the port`() throws {
        let public1 = try #require(TransportAddress("192.0.2.7", port: 0))
        let plane = try MediaPlane(
            configuration: .init(host: "127.0.0.1", port: 0, announce: [public1])
        ) { _ in }
        defer { plane.stop() }
        #expect(plane.candidates.map(\.description) == ["192.0.2.7:\(plane.port)"])
    }

    @Test func `other addresses can be announced later`() throws {
        let first = try #require(TransportAddress("192.0.2.7", port: 0))
        let second = try #require(TransportAddress("2001:db8::7", port: 9))
        let plane = try MediaPlane(configuration: .init(host: "127.0.0.1", port: 0, announce: [first])) { _ in }
        defer { plane.stop() }
        #expect(!plane.announce([first]))
        #expect(plane.announce([second, first]))
        #expect(plane.candidates.map(\.description) == ["[2001:db8::7]:\(plane.port)", "192.0.2.7:\(plane.port)"])
    }

    @Test func `every worker answers for its figures`() async throws {
        let plane = try MediaPlane(configuration: .init(host: "127.0.0.1", port: 0, workers: 3)) { _ in }
        defer { plane.stop() }
        #expect(await plane.report().count == 3)
    }
}
