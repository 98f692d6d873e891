import Dispatch
import Logging
import MediaIO
import Primitives
import ServiceLifecycle
import Telemetry
import UnixSignals

/// Keeps the addresses that clients are told true to the names in `webrtc.announce`: looks them up again every
/// minute, and at SIGHUP.
struct Announcement: Service, CustomStringConvertible {
    private static let interval = Duration.seconds(60)
    /// Lookups wait for the network, so they have a thread of their own.
    private static let lookups = DispatchQueue(label: "announcement")

    let hosts: [String]
    let plane: MediaPlane
    let logger: Logger

    var description: String { "announcement" }

    /// `nil` when there is no name among the hosts.
    init?(hosts: [String], plane: MediaPlane, logger: Logger) {
        guard hosts.contains(where: HostNames.isName) else { return nil }
        self.hosts = hosts
        self.plane = plane
        self.logger = logger
    }

    func run() async throws {
        let (occasions, report) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    for await _ in await UnixSignalsSequence(trapping: .sighup) { report.yield() }
                }
                tasks.addTask {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: Self.interval)
                        report.yield()
                    }
                }
                tasks.addTask {
                    for await _ in occasions { await lookUp() }
                }
                await tasks.waitForAll()
            }
        }
    }

    private func lookUp() async {
        let hosts = hosts
        let result: Result<[TransportAddress], UnknownHost> = await withCheckedContinuation { continuation in
            Self.lookups.async {
                continuation.resume(
                    returning: Result { () throws(UnknownHost) in try HostNames.resolve(hosts) })
            }
        }
        switch result {
        case .success(let addresses):
            guard plane.announce(addresses) else { return }
            logger.notice(
                "Announced addresses have changed",
                metadata: [LogKeys.candidates: "\(addresses.map(\.host).joined(separator: ", "))"])
        case .failure(let unknown):
            // What was right a minute ago may still be, and a resolver that is away comes back.
            logger.warning(
                "A host name to announce has no address at the moment; the addresses of before stay",
                metadata: [LogKeys.setting: "webrtc.announce", LogKeys.serverAddress: "\(unknown.name)"])
        }
    }
}
