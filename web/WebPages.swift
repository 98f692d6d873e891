private import CWebVendor
private import SignalingSDK

/// One file of the web pages, as the HTTP service answers with it.
package struct WebPage: Sendable {
    /// The media type with its character set, for `Content-Type`.
    package let contentType: String
    /// The file, exactly as it lies in `web/pages` or `web/vendor`.
    package let body: [UInt8]
    /// For `Content-Encoding` when the file is kept compressed: a browser that runs modules takes it.
    package let contentEncoding: String?
    /// A strong entity tag with its quotes; it changes when, and only when, the bytes change.
    package let entityTag: String

    init(contentType: String, contentEncoding: String? = nil, body: [UInt8]) {
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.body = body
        // FNV-1a, 64 bits: it names a version of a file we wrote ourselves, it protects nothing.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in body {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        entityTag = "\"\(String(hash, radix: 16))\""
    }
}

/// The pages a browser sees.
///
/// They are compiled into the program, so that it stays one file.
///
/// A document is the same for every stream: its script reads the stream's name from the address
/// bar. Nothing is filled in on the server, so nothing needs escaping.
package enum WebPages {
    /// `GET /`: the streams that are live, and how to publish one.
    package static let home = WebPage(contentType: html, body: PackageResources.home_html)
    /// `GET /play/{stream}`: the player.
    package static let player = WebPage(contentType: html, body: PackageResources.play_html)
    /// `GET /publish/{stream}`: camera, screen or test card by WHIP.
    package static let publisher = WebPage(contentType: html, body: PackageResources.publish_html)
    /// `GET /room/{room}`: who is there, their pictures, and talk.
    package static let room = WebPage(contentType: html, body: PackageResources.room_html)

    /// Looks up what a document refers to, `GET /assets/{name}`.
    ///
    /// - Parameter name: What follows in the path, compared as it is: there is no directory
    ///   behind it that a `..` could leave.
    /// - Returns: `nil` when there is no such file.
    package static func asset(named name: String) -> WebPage? {
        name == "hls.js" ? hlsPlayer : assets[name] ?? modules[name]
    }

    /// hls.js, which plays HLS where the browser itself cannot, or not with low latency.
    ///
    /// `nil` in a program that was built without it (see `web/vendor/README.md`). It is not written by us, so it is not
    /// in the repository.
    package static let hlsPlayer: WebPage? = {
        var length = 0
        let bytes = martlet_hls_js(&length)
        guard length > 0 else { return nil }
        let file = [UInt8](UnsafeBufferPointer(start: bytes, count: length))
        return WebPage(contentType: script, contentEncoding: "gzip", body: file)
    }()

    /// The value of `Content-Security-Policy` for every document.
    ///
    /// No inline script or style, no other origin: everything a page uses it gets from the gateway.
    /// `blob:` is for media and workers, which a player of segments needs.
    ///
    /// - Parameter frameAncestors: The setting `http.frame_ancestors`.
    /// - Returns: One line without a line break.
    package static func contentSecurityPolicy(frameAncestors: String = "'self'") -> String {
        """
        default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
        media-src 'self' blob:; worker-src 'self' blob:; form-action 'self'; base-uri 'none'; \
        frame-ancestors \(frameAncestors)
        """
    }

    /// The JavaScript client, as `sdk/index.js` and what that imports.
    private static let modules = Dictionary(
        uniqueKeysWithValues: SignalingSDK.modules.map { name, body in
            ("sdk/\(name)", WebPage(contentType: script, body: body))
        })

    private static let html = "text/html; charset=utf-8"
    private static let script = "text/javascript; charset=utf-8"

    private static let assets: [String: WebPage] = [
        "martlet.css": WebPage(contentType: "text/css; charset=utf-8", body: PackageResources.martlet_css),
        "martlet.svg": WebPage(contentType: "image/svg+xml", body: PackageResources.martlet_svg),
        "room.css": WebPage(contentType: "text/css; charset=utf-8", body: PackageResources.room_css),
        "devices.js": WebPage(contentType: script, body: PackageResources.devices_js),
        "hlsplayer.js": WebPage(contentType: script, body: PackageResources.hlsplayer_js),
        "home.js": WebPage(contentType: script, body: PackageResources.home_js),
        "extensions.js": WebPage(contentType: script, body: PackageResources.extensions_js),
        "play.js": WebPage(contentType: script, body: PackageResources.play_js),
        "player.js": WebPage(contentType: script, body: PackageResources.player_js),
        "publish.js": WebPage(contentType: script, body: PackageResources.publish_js),
        "publisher.js": WebPage(contentType: script, body: PackageResources.publisher_js),
        "room.js": WebPage(contentType: script, body: PackageResources.room_js),
        "session.js": WebPage(contentType: script, body: PackageResources.session_js),
        "stage.js": WebPage(contentType: script, body: PackageResources.stage_js),
        "statistics.js": WebPage(contentType: script, body: PackageResources.statistics_js),
        "sources.js": WebPage(contentType: script, body: PackageResources.sources_js),
        "page.js": WebPage(contentType: script, body: PackageResources.page_js),
        "view.js": WebPage(contentType: script, body: PackageResources.view_js),
        "tiles.js": WebPage(contentType: script, body: PackageResources.tiles_js),
        "watcher.js": WebPage(contentType: script, body: PackageResources.watcher_js),
    ]
}
