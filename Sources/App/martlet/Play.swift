import ArgumentParser
import Foundation
import Media
import MediaClient
import Primitives

struct Play: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch a stream by WHEP: count what comes, or write it to a file.",
        discussion: """
            Works with any WHEP server. While nobody publishes it waits (--wait).

              martlet play http://localhost:8080/whep/cam --duration 10s
              martlet play http://localhost:8080/whep/cam --output cam.mkv
              martlet play https://example.org/whep/cam --token TOKEN --json

            On a terminal it says each second what comes; the figures at the end
            go to standard output. Nothing is decoded: a frame counts when all
            that it depends on has come.

            What is written is what was received, without being encoded anew.
            The extension of the name decides on the format: .mkv holds every
            codec, .mp4 and .webm some.

            Exits with 0 when a picture or sound was received.
            """)

    @Argument(help: "The WHEP endpoint.")
    var url: String

    @Option(help: ArgumentHelp("Write what comes to a file, which is replaced.", valueName: "file"))
    var output: String?

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let endpoint = try ClientOptions.endpoint(url)
        let (limit, patience) = (try options.limit(), try options.patience())
        let trust = try options.trust.trust()
        let connection = try makeConnection(to: endpoint)
        let signaling = try SignalingClient(token: options.secret, trust: trust)
        var session: SignalingClient.Session?
        let result: Result<PlayFigures, CommandFailure>
        do throws(CommandFailure) {
            let made = try await signaling.post(offer: connection.offer, to: endpoint, patience: patience) {
                Terminal.note("\($0) Trying again.")
            }
            session = made
            let agreed = try await agree(connection, made, signaling)
            result = .success(try await watch(connection, made, agreed, limit: limit))
        } catch {
            result = .failure(error)
        }
        connection.close()
        await signaling.delete(session?.resource)
        await signaling.close()
        let figures = try result.get()
        Terminal.say(options.json ? figures.json : figures.summary)
    }

    private func makeConnection(to endpoint: URL) throws(CommandFailure) -> ClientConnection {
        if let output {
            do throws(FilmError) {
                // Before anything is asked of the server: a name that tells no format is the caller's mistake.
                _ = try FilmWriter(path: output, expecting: [])
            } catch {
                throw CommandFailure("--output: \(error)")
            }
        }
        do throws(ClientError) {
            return try ClientConnection(
                .play([.h264, .vp8, .vp9, .av1, .h265, .opus, .pcmu, .pcma]),
                server: ClientOptions.address(of: endpoint), keepsFrames: output != nil)
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    /// Begins to connect, and gives the tracks that will come.
    private func agree(
        _ connection: ClientConnection, _ session: SignalingClient.Session, _ signaling: SignalingClient
    ) async throws(CommandFailure) -> [TrackDescription] {
        do throws(ClientError) {
            guard session.isCounterOffer else { return try connection.accept(answer: session.answer) }
        } catch {
            throw CommandFailure("\(error)")
        }
        let reply: ClientReply
        do throws(ClientError) {
            reply = try connection.answer(counterOffer: session.answer)
        } catch {
            throw CommandFailure("\(error)")
        }
        try await signaling.answer(reply.sdp, to: session)
        connection.accept(reply)
        return reply.tracks
    }

    /// Receives until something ends it.
    private func watch(
        _ connection: ClientConnection, _ session: SignalingClient.Session, _ tracks: [TrackDescription],
        limit: Duration?
    ) async throws(CommandFailure) -> PlayFigures {
        let recording = record(connection, kinds: Set(tracks.map(\.kind)))
        if let end = await connection.waitUntilConnected() { throw CommandFailure("\(end)") }

        let beganAt = ClientConnection.now + -Interval(ContinuousClock.now - session.askedAt)
        let progress = PlayProgress(connection: connection, beganAt: beganAt)
        let (ends, report) = AsyncStream.makeStream(of: CommandEnd.self)
        let listening = Task {
            for await case .ended(let end) in connection.events {
                report.yield(end == .closedByServer ? .finished("server") : .failed("\(end)"))
            }
        }
        let writing = Task {
            if let failure = await recording.value { report.yield(.failed(failure.description)) }
        }
        let end = await CommandEnd.first(of: ends, within: limit) { progress.tick() }
        progress.finish()
        connection.close()
        await listening.value
        await writing.value
        let failure = await recording.value
        if case .failed(let reason) = end { throw CommandFailure(reason) }
        let figures = PlayFigures(
            url: try ClientOptions.endpoint(url).shown, output: output, end: end.name, beganAt: beganAt,
            statistics: connection.statistics)
        guard figures.hasReceived else {
            throw CommandFailure("nothing was received, neither a picture nor sound, although the session stood")
        }
        if let failure { throw CommandFailure("--output: \(failure)") }
        return figures
    }

    /// Writes what comes until the session ends; gives what went wrong.
    private func record(_ connection: ClientConnection, kinds: Set<MediaKind>) -> Task<FilmError?, Never> {
        let output = output
        return Task {
            guard let output else { return nil }
            do throws(FilmError) {
                var writer = try FilmWriter(path: output, expecting: kinds)
                for await frame in connection.frames { try writer.write(frame) }
                try writer.finish()
                return nil
            } catch {
                return error
            }
        }
    }
}
