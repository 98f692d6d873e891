import ArgumentParser
import Foundation
import Media
import MediaClient
import Primitives
import RTMP

struct Publish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publish a file or a test pattern, by WHIP or RTMP.",
        discussion: """
            The address decides: http:// and https:// are WHIP, rtmp:// and
            rtmps:// are RTMP.
            Works with any server of these protocols.

              martlet publish http://localhost:8080/whip/cam --test-pattern
              martlet publish http://localhost:8080/whip/cam --input film.mp4
              martlet publish rtmp://localhost/live/cam --input film.mkv --loop

            A file is sent as it is, in real time: MP4, Matroska, WebM, FLV or
            MPEG-TS with H.264, H.265, VP8, VP9 or AV1 and Opus or AAC. AAC
            becomes Opus for WHIP. Films with B-frames go by RTMP alone: WebRTC
            has no place for pictures that are sent out of order. Encode such a
            film anew without them:

              ffmpeg -i film.mp4 -c:v libx264 -bf 0 -c:a copy new.mp4

            Ends with the file, with --duration, or with Ctrl-C.
            """)

    @Argument(help: "The WHIP endpoint, or rtmp://host/app/stream, or rtmps://.")
    var url: String

    @Option(help: ArgumentHelp("The media file to publish.", valueName: "file"))
    var input: String?

    @Flag(help: "Publish a moving picture with a clock, and a beep each second (H.264 and Opus).")
    var testPattern = false

    @Flag(help: "Begin the file anew at its end.")
    var loop = false

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard (input != nil) != testPattern else {
            throw ValidationError("Give either --input FILE or --test-pattern.")
        }
        guard !loop || input != nil else { throw ValidationError("--loop needs --input.") }
    }

    func run() async throws {
        let (limit, patience) = (try options.limit(), try options.patience())
        let address = try Address(url)
        let source = try await makeSource()
        if case .whip = address, let film = source as? FilmSource { try film.requireOrderedPictures() }
        for name in source.omitted { Terminal.note("\(name) cannot be published, and is left out.") }
        let (ends, report) = AsyncStream.makeStream(of: CommandEnd.self)
        let result: Result<PublishFigures, CommandFailure>
        do throws(CommandFailure) {
            let destination = try await connect(to: address, source: source, patience: patience) { report.yield($0) }
            source.start(into: destination) { report.yield($0) }
            let progress = PublishProgress(destination: destination)
            let end = await CommandEnd.first(of: ends, within: limit) { progress.tick() }
            progress.finish()
            source.stop()
            await destination.close()
            if case .failed(let reason) = end { throw CommandFailure(reason) }
            result = .success(PublishFigures(url: address.shown, end: end.name, destination: destination))
        } catch {
            source.stop()
            result = .failure(error)
        }
        let figures = try result.get()
        Terminal.say(options.json ? figures.json : figures.summary)
    }

    private func makeSource() async throws(CommandFailure) -> any PublishSource {
        if let input { return try FilmSource(path: input, loops: loop) }
        return try await PatternSource.make()
    }

    private func connect(
        to address: Address, source: any PublishSource, patience: Duration,
        onEnd: @escaping @Sendable (CommandEnd) -> Void
    ) async throws(CommandFailure) -> any PublishDestination {
        switch address {
        case .whip(let endpoint):
            try await WHIPDestination.connect(
                to: endpoint, token: options.secret, trust: options.trust.trust(), source: source,
                patience: patience, onEnd: onEnd)
        case .rtmp(let url):
            try await RTMPDestination.connect(
                to: url, token: options.secret, trust: options.trust.trust(), source: source, onEnd: onEnd)
        }
    }
}

extension Publish {
    /// Where to publish, and by which protocol.
    enum Address {
        case whip(URL)
        case rtmp(RTMPURL)

        init(_ text: String) throws(CommandFailure) {
            switch text.split(separator: ":" as Character).first?.lowercased() {
            case "http", "https": self = .whip(try ClientOptions.endpoint(text))
            case "rtmp", "rtmps":
                guard let url = RTMPURL(text) else {
                    throw CommandFailure("`\(text)` is not an RTMP address; write it like rtmp://localhost/live/cam")
                }
                self = .rtmp(url)
            default:
                throw CommandFailure(
                    "`\(text)` is neither WHIP (http://localhost:8080/whip/cam) nor RTMP (rtmp://localhost/live/cam)")
            }
        }

        /// Without a query, which may hold a credential.
        var shown: String {
            switch self {
            case .whip(let url): url.shown
            case .rtmp(let url):
                "\(url.isSecure ? "rtmps" : "rtmp")://\(url.host):\(url.port)/\(url.app)/\(url.streamKey.prefix { $0 != "?" })"
            }
        }
    }
}
