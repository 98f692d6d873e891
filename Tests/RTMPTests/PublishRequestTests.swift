import Primitives
import RTMP
import Testing

@Suite("What an encoder asks for")
struct PublishRequestTests {
    @Test(arguments: [
        ("live", "rtmp://h/live", "cam?token=abc.def-g"),  // OBS with the token behind the key; ffmpeg
        ("live?token=abc.def-g", "rtmp://h/live?token=abc.def-g", "cam"),  // OBS with the token behind the server
        ("live/", "rtmp://h/live/", "cam?token=abc.def-g"),
        ("live/cam?token=abc.def-g", "rtmp://h/live/cam?token=abc.def-g", ""),  // the whole path as application
        ("live", "rtmp://h/live?token=abc.def-g", "cam"),
        ("live", "rtmp://h/live", "/cam?x=1&token=abc%2Edef-g"),
        ("", "rtmp://h/", "live/cam?token=abc.def-g"),
    ])
    func `the stream and the token are found wherever they stand`(app: String, url: String, path: String) throws {
        let request = try PublishRequest(app: app, tcURL: url, playpath: path)
        #expect(request.streamName.description == "cam")
        #expect(request.app == "live")
        #expect(request.parameters["token"]?.revealed == "abc.def-g")
        #expect(!request.tcURL.contains("token"))
    }

    @Test func `parameters behind the stream key win`() throws {
        let request = try PublishRequest(
            app: "live?token=a",
            tcURL: "rtmp://h/live?token=b&key=d",
            playpath: "cam?token=c"
        )
        #expect(request.parameters["token"]?.revealed == "c")
        #expect(request.parameters["key"]?.revealed == "d")
    }

    @Test func `no description shows a token`() throws {
        let request = try PublishRequest(
            app: "live?token=hunter2",
            tcURL: "rtmp://h/live?token=hunter2",
            playpath: "cam?token=hunter2"
        )
        #expect(!"\(request)".contains("hunter2"))
        #expect(!String(reflecting: request).contains("hunter2"))
    }

    @Test(arguments: [
        ("", ""), ("live", ""), ("live", ".."), ("live", "../etc"), ("live", "a/b"), ("vod", "cam"), ("live", "a b"),
        ("live", ".hidden"), ("live", "c%61m"), ("live/a", "b"), ("live", "ü"), ("live", "?token=x"),
    ])
    func `other addresses are refused`(app: String, path: String) {
        #expect(throws: AddressRefusal.self) { try PublishRequest(app: app, tcURL: "rtmp://h/x", playpath: path) }
    }

    @Test func `hostile queries are bounded and never trap`() throws {
        let many = (0..<1_000).map { "p\($0)=\($0)" }.joined(separator: "&")
        #expect(try PublishRequest(app: "live", tcURL: "", playpath: "cam?" + many).parameters.count == 16)
        for query in ["%", "%4", "%zz", "=", "&&&", "a=%F", "a=b=c", "?", "a"] {
            _ = try PublishRequest(app: "live", tcURL: "", playpath: "cam?" + query)
        }
    }
}

@Suite("Addresses to publish to")
struct RTMPURLTests {
    @Test func `host, port, application and key are told apart`() throws {
        let url = try #require(RTMPURL("rtmp://[::1]:1936/live/cam?token=x/y"))
        #expect(url.host == "::1" && url.port == 1936 && url.app == "live" && url.streamKey == "cam?token=x/y")
        #expect(RTMPURL("RTMP://example.org/live/cam")?.port == 1935)
    }

    @Test func `over TLS the port is another one, and the server is told so`() throws {
        let url = try #require(RTMPURL("rtmps://example.org/live/cam"))
        #expect(url.isSecure && url.port == 443 && url.tcURL == "rtmps://example.org/live")
        #expect(RTMPURL("rtmps://example.org:1936/live/cam")?.tcURL == "rtmps://example.org:1936/live")
        let plain = try #require(RTMPURL("rtmp://example.org:443/live/cam"))
        #expect(!plain.isSecure && plain.tcURL == "rtmp://example.org:443/live")
    }

    @Test(arguments: [
        "", "http://h/live/cam", "rtmp://", "rtmp://h", "rtmp://h/live", "rtmp://h/live/", "rtmp:///live/cam",
        "rtmp://h:0/live/cam", "rtmps://h/live/", "rtmpss://h/live/cam", "rtmp://h:99999/live/cam",
        "rtmp://h:x/live/cam",
    ])
    func `anything else is none`(text: String) {
        #expect(RTMPURL(text) == nil)
    }
}
