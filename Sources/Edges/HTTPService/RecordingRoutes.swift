import Auth
package import Gateway
import HTTPTypes
import Hummingbird
import NIOCore
import NIOPosix
package import Primitives
package import Recording

/// What HTTP needs of recordings; tests answer in its place.
package protocol RecordingService: Sendable {
    var archive: RecordingArchive { get }
    func start(_ stream: StreamName) async throws(GatewayRefusal)
    func stop(_ stream: StreamName) async -> Bool
}

extension Recorder: RecordingService {}

/// Recordings: lists, playlists, files, and what is recorded from now on.
struct RecordingRoutes: Sendable {
    static let mediaName = "media.mp4"
    private static let pageSize = 100
    private static let maximumPageSize = 500
    /// Bytes that are read from a file at a time.
    private static let chunkSize = 256 << 10

    /// `nil` where nothing can be recorded.
    let service: (any RecordingService)?
    let access: Access

    /// A recording as the API shows it.
    private struct Item: Encodable {
        var id: String
        var stream: String
        /// `recording` while it is being written, then `complete`.
        var state: String
        var startedAt: String
        var durationSeconds: Double
        var bytes: Int64
        var tracks: [Recording.Track]

        init(_ recording: Recording) {
            id = recording.id
            stream = recording.stream.description
            state = recording.isComplete ? "complete" : "recording"
            startedAt = RecordingParts.dateTime(recording.unixMilliseconds)
            durationSeconds = (recording.seconds * 1_000).rounded() / 1_000
            bytes = recording.bytes
            tracks = recording.tracks
        }
    }

    // MARK: Lists

    /// `GET /api/v1/recordings`, with `stream`, `limit` and, for the next page, `after`.
    func list(_ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        struct Answer: Encodable {
            var recordings: [Item]
            var next: String?
        }
        let query = request.uri.queryParameters
        var stream: StreamName?
        if let text = query["stream"] {
            guard let name = StreamName(text) else { throw .badStreamName }
            stream = name
        }
        _ = try await access.authorize(.admin, stream: stream, request, peer: peer)
        var limit = Self.pageSize
        if let text = query["limit"] {
            guard let number = Int(text), (1...Self.maximumPageSize).contains(number) else {
                throw .badLimit(Self.maximumPageSize)
            }
            limit = number
        }
        let page = try archive().list(stream: stream, after: query["after"].map(String.init), limit: limit)
        return InformationRoutes.json(Answer(recordings: page.recordings.map(Item.init), next: page.next))
    }

    /// `GET /api/v1/recordings/{id}`.
    func recording(_ id: String, _ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        InformationRoutes.json(Item(try await find(id, request, peer: peer)))
    }

    /// `DELETE /api/v1/recordings/{id}`.
    func remove(_ id: String, _ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        _ = try await find(id, request, peer: peer)
        let archive = try archive()
        do throws(RecordingRemovalError) {
            try await Self.blocking { () throws(RecordingRemovalError) in try archive.remove(id) }
        } catch {
            switch error {
            case .unknown: throw .unknownRecording
            case .active:
                throw Problem(
                    409, "recording-active",
                    "This recording is being written. End it first: DELETE /api/v1/streams/{stream}/recording.")
            case .failed(let cause):
                throw Problem(500, "internal-failure", "The file cannot be removed (\(cause)).")
            }
        }
        return Response(status: .noContent)
    }

    // MARK: Playing

    /// `GET /api/v1/recordings/{id}/index.m3u8`: the parts of the file, for players.
    func playlist(_ id: String, _ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        let recording = try await find(id, request, peer: peer)
        let archive = try archive()
        guard let parts = await Self.blocking({ archive.parts(of: id) }) else { throw .unknownRecording }
        let text = parts.playlist(media: Self.mediaName, startingAt: recording.unixMilliseconds)
        return Response(
            status: .ok,
            headers: [.contentType: "application/vnd.apple.mpegurl", .cacheControl: "no-cache"],
            body: .init(byteBuffer: .init(string: text))
        )
    }

    /// `GET /api/v1/recordings/{id}/media.mp4`: the file, or a range of it (RFC 9110 §14).
    func media(_ id: String, _ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        let recording = try await find(id, request, peer: peer)
        let archive = try archive()
        let content: RecordingContent
        do throws(RecordingFileError) {
            content = try await Self.blocking { () throws(RecordingFileError) in
                try RecordingContent(recording, in: archive)
            }
        } catch {
            throw .unknownRecording
        }
        var headers: HTTPFields = [
            .contentType: "video/mp4",
            .acceptRanges: "bytes",
            .contentDisposition: "inline; filename=\"\(recording.id).mp4\"",
            .cacheControl: recording.isComplete ? "private, max-age=86400, immutable" : "no-cache",
        ]
        // While it grows, ranges of two answers fit together all the same.
        let tag = "\"\(recording.id)\""
        headers[.eTag] = tag
        let size = Int(content.size)
        guard let range = ByteRange(request, tag: tag, size: size) else {
            return Response(status: .ok, headers: headers, body: Self.body(content, 0..<content.size))
        }
        switch range {
        case .unsatisfiable: throw .rangeNotSatisfiable(size)
        case .bytes(let bytes):
            headers[.contentRange] = "bytes \(bytes.lowerBound)-\(bytes.upperBound - 1)/\(size)"
            let part = Int64(bytes.lowerBound)..<Int64(bytes.upperBound)
            return Response(status: .partialContent, headers: headers, body: Self.body(content, part))
        }
    }

    // MARK: Recording

    /// `POST` and `DELETE /api/v1/streams/{stream}/recording`.
    func recorder(_ name: StreamName, _ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        let isStart = request.method == .post
        guard isStart || request.method == .delete else { throw .methodNotAllowed(.recorder(name)) }
        _ = try await access.authorize(.admin, stream: name, request, peer: peer)
        guard let service else { throw .notFound }
        if isStart {
            do throws(GatewayRefusal) {
                try await service.start(name)
            } catch {
                throw Problem(error)
            }
        } else if await !service.stop(name) {
            throw Problem(404, "not-recording", "\"\(name)\" is not being recorded.")
        }
        return Response(status: .noContent)
    }

    private func archive() throws(Problem) -> RecordingArchive {
        guard let service else { throw .notFound }
        return service.archive
    }

    /// Permission is asked for the stream that the name holds; without any, nobody learns what there is.
    private func find(
        _ id: String,
        _ request: Request,
        peer: TransportAddress?
    ) async throws(Problem) -> Recording {
        _ = try await access.authorize(.admin, stream: Recording.stream(of: id), request, peer: peer)
        guard let recording = try archive().recording(id) else { throw .unknownRecording }
        return recording
    }

    // MARK: Files

    /// Runs what may wait for a disk on a thread that may.
    private static func blocking<Result: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let outcome: Swift.Result<Result, Failure>? = try? await NIOThreadPool.singleton.runIfActive {
            do throws(Failure) {
                return Swift.Result<Result, Failure>.success(try body())
            } catch {
                return Swift.Result<Result, Failure>.failure(error)
            }
        }
        // The pool ends with the process, and a cancelled request is not worth its answer.
        guard let outcome else { return try body() }
        return try outcome.get()
    }

    private static func body(_ content: RecordingContent, _ range: Range<Int64>) -> ResponseBody {
        ResponseBody(contentLength: range.count) { writer in
            var offset = range.lowerBound
            while offset < range.upperBound {
                let (start, count) = (offset, Int(min(Int64(chunkSize), range.upperBound - offset)))
                let bytes = try await NIOThreadPool.singleton.runIfActive { try content.read(count, at: start) }
                try await writer.write(ByteBuffer(bytes: bytes))
                offset += Int64(bytes.count)
            }
            try await writer.finish(nil)
        }
    }
}

extension Problem {
    static let unknownRecording = Problem(
        404, "unknown-recording",
        "There is no such recording. It may have been removed; GET /api/v1/recordings lists all.")
}
