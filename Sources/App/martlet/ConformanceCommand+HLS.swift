import ArgumentParser
import Conformance
import GatewayConfiguration
import UnixSignals

extension ConformanceCommand {
    /// Follows a playlist to the end of the time, or until a signal.
    func examinePlaylists(_ endpoint: Endpoint, timeout: Duration) async throws {
        guard let span = DurationText.parse(duration), (.seconds(1)...(.seconds(3600))).contains(span) else {
            throw CommandFailure("--duration: `\(duration)` is not a time between 1s and 1h; write it like 20s")
        }
        let transport = try transport(timeout: timeout, maximumBodySize: PlaylistExamination.maximumBodySize)
        let start = ContinuousClock.now
        let world = PlaylistExamination.World(
            transport: transport, now: { start.duration(to: .now) / .seconds(1) })
        let examination = PlaylistExamination(endpoint, seconds: span / .seconds(1), world: world)
        if Terminal.isLogInteractive { Terminal.note("Following the playlist for \(duration) ...") }
        let report = await withTaskGroup(of: PlaylistReport?.self) { tasks in
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            tasks.addTask { await examination.run() }
            tasks.addTask {
                for await _ in signals { await examination.stop() }
                return nil
            }
            var report: PlaylistReport?
            while report == nil, let next = await tasks.next() { report = next }
            tasks.cancelAll()
            return report
        }
        await transport.close()
        guard let report else { throw ExitCode.failure }
        Terminal.say(json ? report.json : report.table)
        guard report.isPassed else { throw ExitCode.failure }
    }
}
