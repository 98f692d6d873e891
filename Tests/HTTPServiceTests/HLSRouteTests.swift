import Auth
import Foundation
import Gateway
import HLS
import HTTPService
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Media
import NIOCore
import NIOPosix
import Primitives
import Telemetry
import Testing

@testable import HTTPService

@Suite("Playlists and media over HTTP")
struct HLSRouteTests {
    private let signature = PlaybackSignature(secret: Secret("0123456789abcdef0123456789abcdef"))
    private let hls = FakeHLS()
    private let segment = "/hls/cam/video-1-2.m4s"

    private func client(_ play: AccessPolicy.Anonymous = .anyone) async -> Client {
        let configuration = HTTPServiceConfiguration(playback: signature, isPlayPublic: play == .anyone)
        return await Client(policy: AccessPolicy(play: play), configuration: configuration, hls: hls)
    }

    private var later: Int64 { Int64(Date.now.timeIntervalSince1970) + 86_400 }

    @Test func `a playlist says for how long it may be kept, and a segment that it never changes`() async throws {
        let client = await client()
        let playlist = try await client.send(.get, "/hls/cam/video.m3u8")
        #expect(playlist.status == .ok)
        #expect(playlist.headers[.contentType] == "application/vnd.apple.mpegurl")
        #expect(playlist.headers[.cacheControl] == "public, max-age=1")
        #expect(playlist.headers[.vary] == "Accept-Encoding")
        #expect(playlist.headers[.accessControlAllowOrigin] == "*")
        #expect(String(buffer: playlist.body) == FakeHLS.playlist)
        let blocked = try await client.send(.get, "/hls/cam/video.m3u8?_HLS_msn=7&_HLS_part=1&_HLS_skip=YES")
        #expect(blocked.headers[.cacheControl] == "public, max-age=6")
        #expect(hls.directives.last == PlaylistDirectives(segment: 7, part: 1, skips: true))
        let media = try await client.send(.get, segment)
        #expect(media.headers[.contentType] == "video/mp4")
        #expect(media.headers[.cacheControl] == "public, max-age=31536000, immutable")
        #expect(media.headers[.acceptRanges] == "bytes")
        #expect(Array(media.body.readableBytesView) == [UInt8](0..<100))
    }

    @Test(arguments: [
        ("gzip", true), ("br, GZIP;q=0.5", true), ("*", true), ("br", false), ("gzip;q=0", false), ("", false),
    ])
    func `a playlist is compressed for who can take it`(accepts: String, isCompressed: Bool) async throws {
        let answer = try await client().send(.get, "/hls/cam/index.m3u8", [.acceptEncoding: accepts])
        #expect(answer.headers[.contentEncoding] == (isCompressed ? "gzip" : nil))
        #expect(String(buffer: answer.body) == (isCompressed ? "smaller" : FakeHLS.playlist))
        #expect(answer.headers[.eTag] == (isCompressed ? "\"7-1-gzip\"" : "\"7-1\""))
    }

    @Test func `what a client has already is not sent again`() async throws {
        let client = await client()
        for (path, tag) in [("/hls/cam/index.m3u8", "\"7-1\""), (segment, "\"video-1-2.m4s\"")] {
            let answer = try await client.send(.get, path, [.ifNoneMatch: tag])
            #expect(answer.status == .notModified)
            #expect(answer.headers[.eTag] == tag)
            #expect(answer.headers[.cacheControl] != nil)
        }
    }

    @Test(arguments: [
        ("bytes=0-9", 0..<10), ("bytes=90-", 90..<100), ("bytes=-5", 95..<100), ("bytes=98-500", 98..<100),
        ("bytes=-500", 0..<100),
    ])
    func `a range of a segment is sent alone`(range: String, expected: Range<Int>) async throws {
        let answer = try await client().send(.get, segment, [.range: range])
        #expect(answer.status == .partialContent)
        #expect(answer.headers[.contentRange] == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/100")
        #expect(Array(answer.body.readableBytesView) == expected.map { UInt8($0) })
    }

    @Test(arguments: ["bytes=5-2", "bytes=a-b", "bytes=1-2,4-5", "items=0-1", "bytes=", "bytes=--1"])
    func `a range that makes no sense is passed over`(range: String) async throws {
        let answer = try await client().send(.get, segment, [.range: range])
        #expect(answer.status == .ok)
        #expect(answer.body.readableBytes == 100)
    }

    @Test func `a range behind the end is refused, and one of another version is not applied`() async throws {
        let client = await client()
        let answer = try await client.send(.get, segment, [.range: "bytes=100-"])
        #expect(answer.status == .rangeNotSatisfiable)
        #expect(answer.headers[.contentRange] == "bytes */100")
        let other = try await client.send(.get, segment, [.range: "bytes=0-9", .ifRange: "\"other\""])
        #expect(other.status == .ok)
    }

    @Test func `a signed path opens its stream until it expires, and no other`() async throws {
        let client = await client(.nobody)
        let good = signature.sign(try #require(StreamName("cam")), expiry: later)
        let answer = try await client.send(.get, "/hls/cam/~\(good)/video-1-2.m4s", from: Client.elsewhere)
        #expect(answer.status == .ok)
        // The address holds the right, so that shared caches may keep what is behind it.
        #expect(answer.headers[.cacheControl] == "public, max-age=31536000, immutable")
        let late = signature.sign(try #require(StreamName("cam")), expiry: 1)
        for path in [
            "/hls/cam2/~\(good)/index.m3u8", "/hls/cam/~\(late)/index.m3u8", "/hls/cam/~\(good)0/index.m3u8",
            "/hls/cam/~/index.m3u8", "/hls/cam/~9999999999.00/index.m3u8",
        ] {
            #expect(try await client.send(.get, path).status == .forbidden)
        }
    }

    @Test func `a token brings a cookie for this stream alone, which then stands for it`() async throws {
        let client = await client(.nobody)
        #expect(try await client.send(.get, "/hls/cam/index.m3u8").status == .unauthorized)
        let answer = try await client.send(
            .get, "/hls/cam/index.m3u8", token: try await client.token("cam", [.play]))
        let cookie = try #require(answer.headers[.setCookie])
        #expect(cookie.contains("Path=/hls/cam/;"))
        #expect(cookie.contains("HttpOnly"))
        #expect(cookie.contains("SameSite=Lax"))
        #expect(answer.headers[.cacheControl] == "private, no-store")
        let pair = String(cookie.prefix { $0 != ";" })
        let media = try await client.send(.get, segment, [.cookie: "a=b; \(pair)"])
        #expect(media.status == .ok)
        #expect(media.headers[.cacheControl] == "private, max-age=31536000, immutable")
        #expect(try await client.send(.get, "/hls/other/index.m3u8", [.cookie: pair]).status == .unauthorized)
        #expect(try await client.send(.get, segment, [.cookie: "martlet_hls=1.2"]).status == .unauthorized)
    }

    @Test func `a cookie counts no longer than the token that brought it`() async throws {
        let client = await client(.nobody)
        let token = try await client.token("cam", [.play], lifetime: .seconds(50))
        let answer = try await client.send(.get, "/hls/cam/index.m3u8", token: token)
        let cookie = try #require(answer.headers[.setCookie])
        let age = try #require(cookie.split(separator: "; ").first { $0.hasPrefix("Max-Age=") }?.dropFirst(8))
        #expect(try #require(Int(age)) <= 50)
        let pair = String(cookie.prefix { $0 != ";" })
        #expect(try await client.send(.get, segment, [.cookie: pair]).status == .ok)
        let claims = try await client.tokens.verify(token.revealed)
        try client.revocations.revoke(try #require(claims.jti), until: claims.exp)
        #expect(try await client.send(.get, segment, [.cookie: pair]).status == .unauthorized)
    }

    @Test func `a public stream sets no cookie and varies by none`() async throws {
        let answer = try await client().send(.get, "/hls/cam/index.m3u8", [.cookie: "martlet_hls=1.2"])
        #expect(answer.status == .ok)
        #expect(answer.headers[.setCookie] == nil)
        #expect(answer.headers[.vary]?.lowercased().contains("cookie") == false)
    }

    @Test(arguments: [
        ("/hls/cam/..", 404), ("/hls/cam/%2e%2e/index.m3u8", 404), ("/hls/cam/other.m3u8", 404),
        ("/hls/.cam/index.m3u8", 400),
        ("/hls/cam/video.m3u8?_HLS_part=1", 400), ("/hls/cam/video.m3u8?_HLS_msn=x", 400), ("/hls/cam", 404),
        ("/hls/cam/a/index.m3u8", 404),
    ])
    func `odd addresses are refused in plain words`(path: String, status: Int) async throws {
        let answer = try await client().send(.get, path)
        #expect(answer.status.code == status)
        #expect(answer.headers[.contentType] == "application/problem+json")
        #expect(answer.headers[.accessControlAllowOrigin] == "*")
    }

    @Test(arguments: [
        (HLSAnswerCase.tooFarAhead, 400), (.timedOut, 503), (.notPublishing, 404), (.overloaded, 503), (.notFound, 404),
    ])
    func `what cannot be answered has a status that says why`(answer: HLSAnswerCase, status: Int) async throws {
        hls[.media(.video)] = answer.answer
        #expect(try await client().send(.get, "/hls/cam/video.m3u8").status.code == status)
    }

    @Test func `requests are counted by kind`() async throws {
        let client = await client()
        _ = try await client.send(.get, "/hls/cam/index.m3u8")
        _ = try await client.send(.get, segment)
        _ = try await client.send(.get, segment)
        let text = await client.metrics.scrape()
        #expect(text.contains("martlet_hls_requests_total{kind=\"multivariant\"} 1"))
        #expect(text.contains("martlet_hls_requests_total{kind=\"segment\"} 2"))
    }

    @Test(arguments: [CloseMode.output, .all])
    func `a player that hangs up is waited for no longer, and one that stays keeps its connection`(
        mode: CloseMode
    ) async throws {
        let client = await client()
        hls.hold(.part(.video, epoch: 1, number: 3, index: 0))
        try await client.live { [hls] port in
            var waits = hls.waits.makeAsyncIterator()
            let player = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .connect(host: "localhost", port: port).get()
            func ask(_ path: String) async throws {
                let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n"
                try await player.writeAndFlush(ByteBuffer(string: request))
            }
            // What is answered leaves the connection as it was.
            try await ask("/hls/cam/index.m3u8")
            try await ask("/hls/cam/video-1-3-0.m4s")
            #expect(await waits.next() == true)
            try await player.close(mode: mode)
            #expect(await waits.next() == false)
            if mode == .output { try? await player.close() }
        }
    }

    @Test func `a gateway without HLS has nothing there`() async throws {
        let client = await Client()
        #expect(try await client.send(.get, "/hls/cam/index.m3u8").status == .notFound)
    }

    @Test(arguments: [GatewayRefusal.Code.noCommonCodec, .transcodingLimit, .reorderedVideo])
    func `whoever cannot watch by WebRTC is sent to HLS`(code: GatewayRefusal.Code) async throws {
        let client = await client()
        client.gateway.refuse(with: GatewayRefusal(code, "It cannot be had."))
        let answer = try await client.send(.post, "/whep/cam", Client.sdp, body: "v=0")
        #expect(answer.status == .notAcceptable)
        #expect(answer.headers[.link]?.contains("</hls/cam/index.m3u8>; rel=\"alternate\"") == true)
    }
}
