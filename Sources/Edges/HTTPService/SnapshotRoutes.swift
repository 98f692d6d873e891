import Auth
import Gateway
import HTTPTypes
import Hummingbird
import Primitives

/// Still pictures of streams, for whoever may watch them.
struct SnapshotRoutes: Sendable {
    let gateway: any GatewayService
    let access: Access
    /// Whether anyone may watch, so that shared caches may keep what we send.
    let isPublic: Bool

    static let fileName = "snapshot.jpg"
    /// Pixels that may be asked for, of either side.
    static let sides = 16...4_096
    /// Seconds for which an answer counts: key frames come no more often than that.
    private static let lifetime = 1

    /// `GET /api/v1/streams/{stream}/snapshot.jpg`, with `width` and `height` as the most that it may be.
    func snapshot(of name: StreamName, _ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        // Before anything else: whoever may not watch does not hear whether there is anything to see.
        // To an application that decides, a still picture is what HLS is: watching by plain HTTP.
        _ = try await access.admit(.play, stream: name, request, peer: peer, way: .hls)
        let (width, height) = (try Self.side("width", of: request), try Self.side("height", of: request))
        let snapshot: StreamSnapshot
        do throws(GatewayRefusal) {
            snapshot = try await gateway.snapshot(of: name, width: width, height: height)
        } catch {
            throw Problem(error)
        }
        let tag = "\"\(snapshot.tag)\""
        let isShared = isPublic && request.headers[.authorization] == nil
        let headers: HTTPFields = [
            .contentType: "image/jpeg", .eTag: tag,
            .cacheControl: "\(isShared ? "public" : "private"), max-age=\(Self.lifetime)",
        ]
        if PageRoutes.names(tag, in: request.headers[values: .ifNoneMatch]) {
            return Response(status: .notModified, headers: headers)
        }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: .init(bytes: snapshot.jpeg)))
    }

    private static func side(_ name: String, of request: Request) throws(Problem) -> Int? {
        guard let text = request.uri.queryParameters[Substring(name)] else { return nil }
        guard let number = Int(text), sides.contains(number) else { throw .badSize }
        return number
    }
}

extension Problem {
    static let badSize = Problem(
        400, "bad-size",
        "\"width\" and \"height\" are numbers of pixels from \(SnapshotRoutes.sides.lowerBound) to "
            + "\(SnapshotRoutes.sides.upperBound); the picture fits into both and keeps its shape.")
}
