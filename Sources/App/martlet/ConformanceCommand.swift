import ArgumentParser
import Conformance
import Foundation
import GatewayConfiguration
import Glibc
import Primitives
import TransportSecurity
import UnixSignals

struct ConformanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conformance",
        abstract: "Check a WHIP, WHEP or HLS server of any make, requirement by requirement.",
        discussion: """
            Opens sessions, asks for what the specifications say about them, and
            ends them again. Exits with 0 when nothing that MUST be is missing.

              martlet conformance http://localhost:8080/whep/cam
              martlet conformance https://example.org/whip/test --token TOKEN
              martlet conformance --hls http://localhost:8080/hls/cam/index.m3u8

            For WHEP name a stream that is live. For WHIP name one that nobody
            publishes: the run publishes it, and may take it over.
            """)

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case whip
        case whep
    }

    @Argument(help: "The endpoint, where offers are posted; with --hls a playlist.")
    var url: String

    @Option(help: "A bearer token, where the server asks for one.")
    var token: String?

    @Option(help: "What the endpoint is, where its path does not say.")
    var kind: Kind?

    @Option(help: "How long an answer may take.")
    var timeout: String = "10s"

    @Option(help: "The site that requests come from, like https://example.org; the endpoint's own by default.")
    var origin: String?

    @Option(help: "A WHEP endpoint whose stream exists and is not live.")
    var idle: String?

    @Flag(help: "Also try what takes a minute and more.")
    var slow = false

    @Flag(help: "Examine HLS: follow the playlist and fetch what it names.")
    var hls = false

    @Option(help: "With --hls: for how long to follow a live playlist.")
    var duration: String = "20s"

    @OptionGroup var trust: TrustOptions

    @Flag(help: "Print a JSON object.")
    var json = false

    func run() async throws {
        guard let timeout = DurationText.parse(timeout), (.milliseconds(100)...(.seconds(300))).contains(timeout) else {
            throw CommandFailure("--timeout: `\(timeout)` is not a time between 100ms and 5m; write it like 10s")
        }
        let endpoint: Endpoint
        do throws(EndpointProblem) {
            endpoint = try Endpoint(
                url, kind: hls ? .whep : kind.flatMap { EndpointKind(rawValue: $0.rawValue) },
                token: token.map { Secret($0) }, origin: origin, idle: idle)
        } catch {
            throw CommandFailure(error.description)
        }
        if hls { return try await examinePlaylists(endpoint, timeout: timeout) }
        let transport = try transport(timeout: timeout)
        let report = await examine(endpoint, over: transport)
        await transport.close()
        Terminal.say(json ? report.json : "\n" + report.summary)
        guard report.isPassed else { throw ExitCode.failure }
    }

    /// - Throws: ``CommandFailure`` when the file of authorities is none.
    func transport(
        timeout: Duration, maximumBodySize: Int = ProbeResponse.maximumBodySize
    ) throws(CommandFailure) -> HTTPClientTransport {
        let trust = try trust.trust()
        do throws(ServerTrustError) {
            return try HTTPClientTransport(timeout: timeout, maximumBodySize: maximumBodySize, trust: trust)
        } catch {
            throw CommandFailure("--ca: \(error)")
        }
    }

    /// Runs to the end, or until a signal: a session that was made is ended in any case.
    private func examine(_ endpoint: Endpoint, over transport: HTTPClientTransport) async -> Report {
        let (json, kind) = (json, endpoint.kind)
        let server = endpoint.url.host().flatMap { HostNames.resolve($0).first }
        let world = EndpointExamination.World(
            transport: transport,
            makePeer: { kind throws(TransportFailure) in try ClientPeer(kind, server: server) })
        let examination = EndpointExamination(endpoint, includesSlow: slow, world: world) { finding in
            let line = Report.line(finding, kind)
            // Machines want one object, and people want to see that something goes on.
            if !json { Terminal.say(line) } else if Terminal.isLogInteractive { Terminal.note(line) }
        }
        return await withTaskGroup(of: Report?.self) { tasks in
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            tasks.addTask { await examination.run() }
            tasks.addTask {
                var isEnding = false
                for await signal in signals {
                    // Whoever asks twice does not want to wait for a server that may be silent.
                    if isEnding { _exit(128 + (signal == .sigint ? SIGINT : SIGTERM)) }
                    isEnding = true
                    Terminal.note("Ending the sessions that were made; a second signal ends at once.")
                    await examination.stop()
                }
                return nil
            }
            var report: Report?
            while report == nil, let next = await tasks.next() { report = next }
            tasks.cancelAll()
            return report ?? Report(endpoint: endpoint, findings: [], isComplete: false)
        }
    }
}
