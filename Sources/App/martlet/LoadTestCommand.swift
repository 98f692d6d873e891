import ArgumentParser
import Foundation
import GatewayConfiguration
import LoadTest
import NIOCore
import Primitives
import Synchronization
import Telemetry
import UnixSignals

struct LoadTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load-test",
        abstract: "Watch a stream with many viewers at once, and say how well it went.",
        discussion: """
            For now by LL-HLS (--hls), by HTTP/1.1, plain or over TLS:

              martlet load-test http://localhost:8080/hls/cam/index.m3u8 --viewers 300 --hls

            Each viewer fetches what a low-latency player does: the playlist of
            the first variant and of its sound, by blocking reloads, and each
            part. All are in one thread; when that thread is the bottleneck, the
            figures say so.

            Exits with 0 when there were media and no errors.
            """)

    @Argument(help: "The multivariant playlist.")
    var url: String

    @Option(help: ArgumentHelp("How many viewers.", valueName: "n"))
    var viewers: Int

    @Option(help: "New viewers in a second, like 50/s.")
    var ramp: String = "50/s"

    @Option(help: "For how long all of them watch.")
    var duration: String = "30s"

    @Option(help: "A bearer token, where the server asks for one. Default: MARTLET_TOKEN.")
    var token: String?

    @Flag(help: "Viewers of LL-HLS. (Viewers of WHEP are not there yet.)")
    var hls = false

    @OptionGroup var trust: TrustOptions

    @Flag(help: "Print the figures as a JSON object.")
    var json = false

    func run() async throws {
        guard hls else {
            throw CommandFailure("viewers of WHEP are not there yet; give --hls and a playlist for viewers of LL-HLS")
        }
        guard (1...20_000).contains(viewers) else { throw CommandFailure("--viewers: give a number from 1 to 20000") }
        guard let span = DurationText.parse(duration), (.seconds(1)...(.seconds(86_400))).contains(span) else {
            throw CommandFailure("--duration: `\(duration)` is not a time between 1s and 24h; write it like 30s")
        }
        guard let rate = Double(ramp.hasSuffix("/s") ? String(ramp.dropLast(2)) : ramp), (0.1...10_000).contains(rate)
        else { throw CommandFailure("--ramp: `\(ramp)` is not a rate; write it like 50/s") }
        let secret = token ?? ProcessInfo.processInfo.environment["MARTLET_TOKEN"]
        guard let target = LoadTarget(url, token: secret) else {
            throw CommandFailure(
                "`\(url)` is not an address like http://localhost:8080/hls/cam/index.m3u8")
        }
        let options = LoadOptions(
            viewers: viewers, ramp: rate, duration: .nanoseconds(Int64(span / .nanoseconds(1))),
            trust: try trust.trust())
        let report = try await load(target, options)
        Terminal.say(json ? report.json : report.summary)
        guard report.isGood else { throw ExitCode.failure }
    }

    /// Runs to the end of the time, or until a signal.
    private func load(_ target: LoadTarget, _ options: LoadOptions) async throws -> LoadReport {
        let before = (CPUTime.used, ContinuousClock.now)
        let (stops, report) = AsyncStream.makeStream(of: LoadTest.Stop.self)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let ending = Task {
            var iterator = stops.makeAsyncIterator()
            guard let stop = await iterator.next() else { return }
            for await _ in signals { stop() }
        }
        let shown = Mutex(0)
        let figures = try await LoadTest.run(
            target, options,
            progress: { progress in
                // Once a second is enough for people.
                let isNew = shown.withLock { last in
                    defer { last = max(last, Int(progress.seconds)) }
                    return Int(progress.seconds) > last
                }
                guard isNew else { return }
                Terminal.progress(
                    "\(progress.viewers) viewers, \(progress.connections) connections, "
                        + "\(progress.figures.requests) requests, \(progress.figures.errorCount) errors")
            },
            onStart: { report.yield($0) })
        ending.cancel()
        Terminal.endProgress()
        let wall = ContinuousClock.now - before.1
        return LoadReport(
            url: url, viewers: viewers, seconds: span(of: wall), figures: figures, cpu: CPUTime.used - before.0)
    }

    private func span(of duration: Duration) -> Double { duration / .seconds(1) }
}
