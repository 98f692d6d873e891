import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import RoomService
import Rooms
import ServiceLifecycle
import Signaling
import Telemetry

/// The same messages for those whose proxy breaks WebSocket: what the gateway says in a stream of events, what the client says by `POST`.
///
/// A connection is one event stream and ends with it, so that there is never half of one: a client whose `POST`s do not get through is
/// silent, and one whose stream is gone has no address to post to.
extension SignalingEndpoint {
    static let streamPath = "/signaling/events"
    static let messageType = "application/json"
    /// Several text messages, one in a line.
    static let messagesType = "application/x-ndjson"
    static let binaryType = "application/octet-stream"

    private static func address(_ id: String) -> String { "/signaling/connections/\(id)" }

    // MARK: Out

    /// `GET` on the event stream: a new connection.
    func openStream(
        _ request: Request, peer: TransportAddress?, connection: ClientConnection?
    ) throws(Problem) -> Response {
        try check(request)
        guard let store else { throw .notFound }
        let headers: HTTPFields = [
            .contentType: ExtensionRoutes.eventStreamType, .cacheControl: "no-store", .accelBuffering: "no",
        ]
        guard request.method == .get else { return Response(status: .ok, headers: headers) }
        try access.countPost(from: peer)
        let origin = Access.origin(of: request, peer: peer)
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { [self] writer in
                let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
                let client = makeClient(store, from: origin, wake: wake)
                let id = streams.add(client)
                begin()
                let watch = await connection?.watchHangUp { wake.finish() }
                // Ends with this closure, however that ends.
                async let _: Void = Self.keepTime(of: client, connection)
                do {
                    try await writer.write(
                        Self.event("open", #"{"version":"\#(ServerMessage.version)","post":"\#(Self.address(id))"}"#))
                    waking: for await _ in wakes {
                        while let output = await client.nextOutput() {
                            try await writer.write(Self.text(of: output))
                            if case .close = output { break waking }
                        }
                    }
                    try await writer.finish(nil)
                } catch {
                    noteLoss(error)
                }
                connection?.endWatch(watch)
                streams.remove(id)
                await end(client)
            })
    }

    /// Does for a client what has to do with time, until cancelled.
    private static func keepTime(of client: SignalingClient, _ connection: ClientConnection?) async {
        let (ends, end) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    while await !client.isOverdue {
                        guard (try? await Task.sleep(for: tickInterval)) != nil else { return }
                        await client.tick()
                    }
                    // A write that nobody reads does not end by itself.
                    connection?.close()
                }
                group.addTask { for await _ in ends { await client.goAway() } }
            }
        } onGracefulShutdown: {
            end.yield()
            end.finish()
        }
    }

    /// What a client is told, as an event (HTML, "Server-sent events"): a text message has no name.
    private static func text(of output: SignalingClient.Output) -> ByteBuffer {
        switch output {
        // JSON of ours has no line breaks.
        case .text(let text): ByteBuffer(string: "data: \(text)\n\n")
        case .binary(let bytes): event("binary", Data(bytes).base64EncodedString())
        // Not a comment: those cannot be seen by clients.
        case .ping: event("ping", "{}")
        case .close(let end): event("close", #"{"code":\#(end.rawValue)}"#)
        }
    }

    private static func event(_ name: String, _ data: String) -> ByteBuffer {
        ByteBuffer(string: "event: \(name)\ndata: \(data)\n\n")
    }

    // MARK: In

    /// `POST` on a connection: what its client says.
    func post(to id: String, _ request: Request) async throws(Problem) -> Response {
        guard request.method == .post else { throw .methodNotAllowed(.signalingConnection(id)) }
        guard let connection = streams[id] else { throw .unknownConnection }
        let isBinary = Body.isOf(Self.binaryType, request)
        let hasLines = Body.isOf(Self.messagesType, request)
        guard isBinary || hasLines || Body.isOf(Self.messageType, request) else {
            throw .unsupportedMediaType(Self.messageType, field: .acceptPost)
        }
        let body = try await Body.collect(request)
        let isOpen = await connection.exclusively {
            if isBinary {
                await connection.client.receive(binary: body)
            } else {
                let messages = hasLines ? body.split(separator: UInt8(ascii: "\n")).map(Array.init) : [body]
                // Many empty messages are many that cannot be taken; after the last one it is closing.
                for message in messages {
                    guard await !connection.client.isClosing else { break }
                    await connection.client.receive(text: message)
                }
            }
            return true
        }
        guard isOpen != nil else { throw .connectionBusy }
        return Response(status: .noContent)
    }
}

extension Problem {
    static let unknownConnection = Problem(
        404, "unknown-connection", "This connection has ended, with its event stream. Open another one.")
    static let connectionBusy = Problem(
        409, "connection-busy", "Another request of this connection is being taken. Send one after the other.")
}
