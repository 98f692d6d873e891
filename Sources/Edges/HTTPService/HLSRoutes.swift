import Auth
import Foundation
import HLS
import HLSService
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import Telemetry

/// Playlists, parts and segments below `/hls/{stream}/`.
struct HLSRoutes: Sendable {
    /// `nil` where HLS is off.
    let source: (any HLSSource)?
    let access: Access
    let signature: PlaybackSignature
    let metrics: MetricsRegistry
    /// Whether anyone may watch, so that shared caches may keep what we send.
    let isPublic: Bool
    /// Whether clients come by HTTPS, which requests by HTTP/1.1 do not say themselves.
    let isSecure: Bool
    /// Seconds since 1970.
    let unixSeconds: @Sendable () -> Int64

    static let cookieName = "martlet_hls"
    /// How long the cookie of our own page counts at most, in seconds; the page asks for another by then.
    static let cookieLifetime: Int64 = 12 * 3_600

    /// `GET` of anything below a stream.
    ///
    /// - Parameters:
    ///   - stream: As the path says.
    ///   - signed: The part of the path behind `~`; `nil` without one.
    ///   - file: The last part of the path.
    ///   - request: With its query, range and conditions.
    ///   - peer: Who asks.
    ///   - connection: How; what waits is given up when it ends.
    /// - Returns: The answer, perhaps only when what the request waits for is there.
    /// - Throws: ``Problem``.
    func answer(
        _ stream: StreamName, signed: String?, file: String, _ request: Request, peer: TransportAddress?,
        connection: ClientConnection?
    ) async throws(Problem) -> Response {
        guard let source, let name = ResourceName(file) else { throw .notFound }
        let right = try await authorize(stream, signed: signed, request, peer: peer)
        guard let directives = PlaylistDirectives(query: request.uri.query ?? "") else { throw .badDirective }
        metrics.countHLSRequest(Self.kind(of: name, directives))
        var response: Response
        let answer: HLSAnswer
        if let connection, Self.mayWait(name, directives) {
            answer = await connection.untilHangUp {
                await source.answer(name, directives: directives, stream: stream)
            }
        } else {
            answer = await source.answer(name, directives: directives, stream: stream)
        }
        switch answer {
        case .playlist(let playlist):
            response = Self.respond(with: playlist, name, request)
            response.headers[.cacheControl] = right.cacheControl(seconds: directives.segment == nil ? 1 : 6)
        case .media(let buffer):
            response = try Self.respond(with: buffer, name, request)
            response.headers[.cacheControl] = right.immutable
        case .tooFarAhead: throw .tooFarAhead
        case .notFound: throw .notFound
        case .notPublishing: throw .notPlayable(stream)
        case .timedOut: throw .nothingCame
        case .overloaded: throw .tooManyWait
        }
        if case .token(let grant) = right, name == .multivariant { setCookie(&response, stream, grant) }
        return response
    }

    /// Whether a player asks ahead of time; before a stream's first segment, any request may have to wait.
    private static func mayWait(_ name: ResourceName, _ directives: PlaylistDirectives) -> Bool {
        switch name {
        case .multivariant, .part: true
        case .media: directives.segment != nil
        case .map, .segment: false
        }
    }

    // MARK: Access

    /// By what right somebody watches, which decides who may keep the answer.
    private enum Right {
        /// Anyone may, or the address itself says that this one may.
        case anyone
        case cookie
        case token(Grant)

        var scope: String {
            if case .anyone = self { "public" } else { "private" }
        }

        func cacheControl(seconds: Int) -> String { "\(scope), max-age=\(seconds)" }

        /// Names of media never come back for other media.
        var immutable: String { "\(scope), max-age=31536000, immutable" }
    }

    private func authorize(
        _ stream: StreamName, signed: String?, _ request: Request, peer: TransportAddress?
    ) async throws(Problem) -> Right {
        if let signed {
            guard signature.allows(signed, stream: stream, now: unixSeconds()) else { throw .badSignature }
            return .anyone
        }
        if request.headers[.authorization] == nil, !isPublic, let cookie = Self.cookie(of: request),
            signature.allows(
                cookie, stream: stream, now: unixSeconds(),
                isRevoked: { access.authorizer.revocations.isRevoked($0) })
        {
            return .cookie
        }
        let grant = try await access.admit(.play, stream: stream, request, peer: peer, way: .hls)
        if request.headers[.authorization] != nil { return .token(grant) }
        return isPublic ? .anyone : .cookie
    }

    private static func cookie(of request: Request) -> Substring? {
        for field in request.headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let sides = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
                if sides.count == 2, sides[0] == cookieName { return Substring(sides[1]) }
            }
        }
        return nil
    }

    /// A cookie for this stream alone: the players of a page send it with everything that they fetch.
    ///
    /// It ends with the token that brought it.
    private func setCookie(_ response: inout Response, _ stream: StreamName, _ grant: Grant) {
        let now = unixSeconds()
        let expiry = min(grant.expiresAt ?? .max, now + Self.cookieLifetime)
        let value = signature.sign(stream, expiry: expiry, tokenID: grant.tokenID)
        let secure = isSecure ? "; Secure" : ""
        response.headers[.setCookie] =
            "\(Self.cookieName)=\(value); Path=/hls/\(stream)/; Max-Age=\(expiry - now); HttpOnly; SameSite=Lax\(secure)"
        response.headers[.cacheControl] = "private, no-store"
    }

    // MARK: Bodies

    private static func respond(with playlist: HLSPlaylist, _ name: ResourceName, _ request: Request) -> Response {
        let compressed = acceptsGzip(request) ? playlist.compressed : nil
        let tag = "\"\(playlist.tag)\(compressed == nil ? "" : "-gzip")\""
        var headers: HTTPFields = [.contentType: name.contentType, .eTag: tag, .vary: "Accept-Encoding"]
        if compressed != nil { headers[.contentEncoding] = "gzip" }
        if PageRoutes.names(tag, in: request.headers[values: .ifNoneMatch]) {
            return Response(status: .notModified, headers: headers)
        }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: compressed ?? playlist.body))
    }

    private static func respond(
        with buffer: ByteBuffer, _ name: ResourceName, _ request: Request
    ) throws(Problem) -> Response {
        let tag = "\"\(name.text)\""
        var headers: HTTPFields = [.contentType: name.contentType, .eTag: tag, .acceptRanges: "bytes"]
        if PageRoutes.names(tag, in: request.headers[values: .ifNoneMatch]) {
            return Response(status: .notModified, headers: headers)
        }
        let size = buffer.readableBytes
        guard let range = ByteRange(request, tag: tag, size: size) else {
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: buffer))
        }
        switch range {
        case .unsatisfiable: throw .rangeNotSatisfiable(size)
        case .bytes(let bytes):
            headers[.contentRange] = "bytes \(bytes.lowerBound)-\(bytes.upperBound - 1)/\(size)"
            let slice = buffer.getSlice(at: buffer.readerIndex + bytes.lowerBound, length: bytes.count) ?? ByteBuffer()
            return Response(status: .partialContent, headers: headers, body: .init(byteBuffer: slice))
        }
    }

    /// Whether `Accept-Encoding` names gzip, or anything, and does not rule it out (RFC 9110 section 12.5.3).
    private static func acceptsGzip(_ request: Request) -> Bool {
        let codings = request.headers[values: .acceptEncoding].joined(separator: ",").split(separator: ",")
        return codings.contains { coding in
            let parts = coding.lowercased().filter { $0 != " " && $0 != "\t" }.split(separator: ";")
            guard let first = parts.first, first == "gzip" || first == "*" else { return false }
            return !parts.dropFirst().contains { $0 == "q=0" || $0 == "q=0.0" || $0 == "q=0.00" || $0 == "q=0.000" }
        }
    }

    private static func kind(of name: ResourceName, _ directives: PlaylistDirectives) -> String {
        switch name {
        case .multivariant: "multivariant"
        case .media: directives.segment == nil ? "playlist" : "blocked_playlist"
        case .map: "map"
        case .segment: "segment"
        case .part: "part"
        }
    }
}

extension Problem {
    static let badDirective = Problem(
        400, "bad-directive",
        "_HLS_msn and _HLS_part are whole numbers, the second only with the first; _HLS_skip is YES.")
    static let tooFarAhead = Problem(
        400, "too-far-ahead",
        "This is more than two segments ahead of the playlist, or too many parts. Ask for the next.")
    static let nothingCame = Problem(
        503, "nothing-came", "The stream has not gone on in three target durations.", retryAfter: .seconds(1))
    static let tooManyWait = Problem(
        503, "too-many-wait", "Too many requests wait for this stream already.", retryAfter: .seconds(1))
    static let badSignature = Problem(
        403, "signature-wrong",
        "This address was not signed by this gateway for this stream, or has expired. Make one on the gateway with: "
            + "martlet token create --hls")

    static func notPlayable(_ stream: StreamName) -> Problem {
        Problem(
            404, "stream-not-publishing",
            "Nobody publishes \"\(stream)\" at the moment. Try again when the stream is live.",
            retryAfter: .seconds(1))
    }

    static func rangeNotSatisfiable(_ size: Int) -> Problem {
        Problem(
            416, "range-not-satisfiable", "There are \(size) bytes.", fields: [.contentRange: "bytes */\(size)"])
    }
}
