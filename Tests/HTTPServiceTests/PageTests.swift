import HTTPService
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing
import WebPages

@Suite("Pages")
struct PageTests {
    @Test(arguments: ["/", "/play/cam", "/publish/cam", "/room/lobby"])
    func `a page is strict about what it loads`(path: String) async throws {
        let answer = try await Client().send(.get, path, from: Client.elsewhere)
        #expect(answer.status == .ok)
        #expect(answer.headers[.contentType] == "text/html; charset=utf-8")
        let policy = try #require(answer.headers[.contentSecurityPolicy])
        #expect(policy.contains("default-src 'none'") && policy.hasSuffix("frame-ancestors 'self'"))
        #expect(!policy.contains("unsafe"))
        #expect(answer.headers[.xContentTypeOptions] == "nosniff")
        #expect(answer.headers[.referrerPolicy] == "no-referrer")
    }

    @Test func `who may frame a page is a setting`() async throws {
        let client = await Client(configuration: HTTPServiceConfiguration(frameAncestors: "https://example.org"))
        let policy = try await client.send(.get, "/").headers[.contentSecurityPolicy]
        #expect(policy?.hasSuffix("frame-ancestors https://example.org") == true)
    }

    @Test func `an asset that is known already is not sent again`() async throws {
        let client = await Client()
        let asset = try #require(WebPages.asset(named: "page.js"))
        let first = try await client.send(.get, "/assets/page.js")
        #expect(first.status == .ok)
        #expect(Array(first.body.readableBytesView) == asset.body)
        #expect(first.headers[.eTag] == asset.entityTag)
        for tag in [asset.entityTag, "\"x\", \(asset.entityTag)", "W/\(asset.entityTag)", "*"] {
            let again = try await client.send(.get, "/assets/page.js", [.ifNoneMatch: tag])
            #expect(again.status == .notModified)
            #expect(again.body.readableBytes == 0)
        }
        #expect(try await client.send(.get, "/assets/page.js", [.ifNoneMatch: "\"x\""]).status == .ok)
    }

    @Test(arguments: ["/", "/play/cam", "/publish/cam", "/room/lobby"])
    func `whatever a page and its scripts ask for is there`(path: String) async throws {
        let client = await Client()
        var addresses = [path]
        var seen: Set<String> = []
        while let address = addresses.popLast() {
            // What others wrote is there only where it was fetched before the build.
            if address == "/assets/hls.js" && WebPages.hlsPlayer == nil { continue }
            guard seen.insert(address).inserted else { continue }
            let answer = try await client.send(.get, address)
            #expect(answer.status == .ok, "\(address)")
            addresses += answer.text.matches(of: /\/assets\/[a-z.\/]+/).map { String($0.output) }
        }
        #expect(seen.count > 3)
    }

    @Test func `the client of signaling is there with all that it imports`() async throws {
        let client = await Client()
        var names = ["index.js"]
        var seen: Set<String> = []
        while let name = names.popLast() {
            guard seen.insert(name).inserted else { continue }
            let answer = try await client.send(.get, "/assets/sdk/\(name)", from: Client.elsewhere)
            #expect(answer.status == .ok, "\(name)")
            #expect(answer.headers[.contentType] == "text/javascript; charset=utf-8")
            names += answer.text.matches(of: /from "\.\/([a-z.]+)"/).map { String($0.output.1) }
        }
        #expect(seen.count > 5)
        for path in ["/assets/sdk/none.js", "/assets/sdk/", "/assets/sdk/../page.js", "/assets/page.js/x"] {
            try expectProblem(try await client.send(.get, path), 404, "not-found")
        }
    }

    @Test(.enabled(if: WebPages.hlsPlayer != nil, "built without it"))
    func `hls.js goes out as it is kept, compressed`() async throws {
        let file = try #require(WebPages.hlsPlayer)
        let answer = try await Client().send(.get, "/assets/hls.js")
        #expect(answer.status == .ok)
        #expect(answer.headers[.contentType] == "text/javascript; charset=utf-8")
        #expect(answer.headers[.contentEncoding] == "gzip")
        #expect(Array(answer.body.readableBytesView) == file.body)
        // RFC 1952 section 2.3.1.
        #expect(file.body.starts(with: [0x1f, 0x8b, 8]))
    }

    @Test func `HEAD tells the length of what GET would bring`() async throws {
        let client = await Client()
        let get = try await client.send(.get, "/assets/page.js")
        let head = try await client.send(.head, "/assets/page.js")
        #expect(head.body.readableBytes == 0)
        #expect(head.headers[.contentLength] == "\(get.body.readableBytes)")
    }
}
