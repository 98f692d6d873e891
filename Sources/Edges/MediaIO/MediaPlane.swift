import CLinux
package import DTLS
import Glibc
package import ICE
package import Primitives
package import SRTP
import Synchronization

/// What the media plane needs to know before it starts.
package struct MediaPlaneConfiguration: Sendable {
    /// A literal address; `::` takes IPv4 too.
    package var host: String
    /// 0 lets the system choose.
    package var port: UInt16
    /// 1...64.
    package var workers: Int
    package var srtpBackend: SRTPBackend
    /// Addresses for our candidates, their ports ignored; empty for the usable local ones.
    package var announce: [TransportAddress]
    /// Whether clients may come by TCP to the same port, where UDP does not reach it (RFC 6544).
    package var acceptsTCP: Bool

    package init(
        host: String = "::",
        port: UInt16 = 8100,
        workers: Int = 1,
        srtpBackend: SRTPBackend = .openssl,
        announce: [TransportAddress] = [],
        acceptsTCP: Bool = true
    ) {
        self.host = host
        self.port = port
        self.workers = workers
        self.srtpBackend = srtpBackend
        self.announce = announce
        self.acceptsTCP = acceptsTCP
    }
}

extension SRTPBackend {
    /// The fastest one that is there and right, measured in this thread's CPU time; takes well under a millisecond.
    package static func fastest() -> SRTPBackend {
        SRTPSelfTest.fastestBackend { Instant(nanoseconds: martlet_thread_cpu_ns()) }
    }
}

/// The media workers of this process, their port, and the handshake thread: all of the media plane behind one face.
///
/// Its methods may be called from any thread and never wait.
package final class MediaPlane: Sendable {
    package let fingerprint: Fingerprint
    /// The port in use, also when the system chose it.
    package let port: UInt16
    /// The addresses that answers offer to clients.
    package var candidates: [TransportAddress] { announced.withLock { $0 } }
    /// Whether clients may come to these addresses by TCP too.
    package let acceptsTCP: Bool
    /// The library that encrypts.
    package let srtpBackend: SRTPBackend
    package var workerCount: Int { workers.count }

    private let announced: Mutex<[TransportAddress]>
    private let workers: [MediaWorker]
    private let handshake: HandshakeThread
    private let frames: FrameThread
    private let threads: Mutex<[Thread]>
    /// `nil` when clients may not come by TCP.
    private let streams: StreamListener?
    private let streamThread: Mutex<Thread?>
    private let nextPeer = Atomic<UInt64>(1)
    private let nextTrack = Atomic<UInt32>(1)
    private let nextTap = Atomic<UInt64>(1)
    private let nextLink = Atomic<UInt32>(0)
    private let portLock: Mutex<PortBox?>
    private let loads: Mutex<[Int]>

    /// Keeps the claim on the port until the plane is stopped.
    private final class PortBox: Sendable {
        let port: MediaPort

        init(_ port: consuming MediaPort) {
            self.port = port
        }
    }

    /// Opens the port and starts the threads.
    ///
    /// `events` is called on media threads and must return at once.
    ///
    /// - Throws: ``MediaPlaneError`` when the port cannot be had.
    package init(
        configuration: MediaPlaneConfiguration,
        events: @escaping @Sendable (MediaEvent) -> Void
    ) throws(MediaPlaneError) {
        let count = min(max(configuration.workers, 1), SessionUsername.maximumWorkers)
        let context: DTLSContext
        do throws(DTLSError) {
            context = try DTLSContext()
        } catch {
            throw .dtls("\(error)")
        }
        let mediaPort = try MediaPort(host: configuration.host, port: configuration.port, workers: count)
        port = mediaPort.port
        fingerprint = context.fingerprint
        announced = Mutex(Self.candidates(configuration, port: mediaPort.port, family: mediaPort.family))
        acceptsTCP = configuration.acceptsTCP
        srtpBackend = configuration.srtpBackend
        let sockets = mediaPort.sockets
        let listener = mediaPort.listener
        portLock = Mutex(PortBox(mediaPort))
        let workers = (0..<count).map { number in
            MediaWorker(
                number: number,
                workerCount: count,
                configuration: .init(worker: number, srtpBackend: configuration.srtpBackend)
            )
        }
        self.workers = workers
        loads = Mutex(Array(repeating: 0, count: count))
        let handshake = HandshakeThread(context: context) { worker, peer, output in
            workers[worker].post(.handshake(peer, output))
        }
        self.handshake = handshake
        let frames = FrameThread { track, owner in workers[owner].post(.requestKeyFrame(track)) }
        self.frames = frames
        var threads = [handshake.start(), frames.start()]
        for worker in workers {
            let outputs = MediaWorker.Outputs(
                message: { workers[$0.worker].post($0.command) },
                handshake: { handshake.post($0, from: worker.number) },
                event: events,
                tapped: { frames.take($0) }
            )
            threads.append(worker.start(socket: sockets[worker.number], outputs: outputs))
        }
        self.threads = Mutex(threads)
        let streams =
            configuration.acceptsTCP
            ? StreamListener(descriptor: listener, workerCount: count) { workers[$0].take($1) } : nil
        self.streams = streams
        streamThread = Mutex(streams?.start())
    }

    /// Ends all threads and gives the port back.
    ///
    /// Sessions end without a word; end them first.
    package func stop() {
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        guard !running.isEmpty else { return }
        // First, so that no connection is handed to a worker that has gone.
        streams?.stop()
        streamThread.withLock { $0 }?.join()
        for worker in workers { worker.stop() }
        handshake.stop()
        frames.stop()
        for thread in running { thread.join() }
        portLock.withLock { $0 = nil }
    }

    // MARK: Numbers

    package func makePeerID() -> PeerID { nextPeer.wrappingAdd(1, ordering: .relaxed).oldValue }
    package func makeTrackID() -> TrackID { nextTrack.wrappingAdd(1, ordering: .relaxed).oldValue }

    /// Fresh ICE credentials for a session on a worker; the username fragment names the worker.
    package func makeCredentials(worker: Int) -> ICECredentials {
        // An existential: the thread sanitizer trips over the address of a value that has no size.
        var generator: any RandomNumberGenerator = SystemRandomNumberGenerator()
        let made = SessionUsername.make(worker: worker, using: &generator)
        return ICECredentials(usernameFragment: made.usernameFragment, password: Secret(made.password))
    }

    // MARK: Load

    /// Counts a session on a worker, or one less.
    package func addLoad(_ change: Int, worker: Int) {
        loads.withLock { $0[worker] += change }
    }

    /// The worker with the fewest sessions.
    package func leastLoadedWorker() -> Int {
        loads.withLock { loads in loads.indices.min { loads[$0] < loads[$1] } ?? 0 }
    }

    /// `preferred`, unless it has far more sessions than the least loaded one: crossing to another worker costs a copy
    /// of each burst, which pays from a few viewers on.
    package func worker(preferring preferred: Int) -> Int {
        loads.withLock { loads in
            guard let least = loads.indices.min(by: { loads[$0] < loads[$1] }) else { return preferred }
            return loads[preferred] > 2 * loads[least] + 8 ? least : preferred
        }
    }

    // MARK: Frames

    /// Reads tracks of a worker as frames from now on, beginning with the group of pictures.
    ///
    /// - Parameters:
    ///   - tracks: At most one of each kind of media; G.711 is left out.
    ///   - owner: The worker where they are published.
    ///   - output: Takes what comes of it, in order, on a thread of its own; must not wait.
    /// - Returns: The tap, for ``closeTap(_:)``.
    package func openTap(
        of tracks: [TapSpecification.Track],
        owner: Int,
        output: @escaping @Sendable (TapOutput) -> Void
    ) -> TapSpecification {
        let id = nextTap.wrappingAdd(1, ordering: .relaxed).oldValue
        let specification = TapSpecification(id: id, owner: owner, tracks: tracks)
        frames.open(specification, output: output)
        workers[owner].post(.startTap(id, specification.trackIDs))
        return specification
    }

    /// Has the layers of a tap's pictures go out each for itself besides the highest, or no longer.
    package func setReadsAllLayers(_ readsAll: Bool, of tap: TapSpecification) {
        frames.setReadsAllLayers(readsAll, of: tap.id)
    }

    /// Ends a tap; what it has on its way may still come.
    package func closeTap(_ tap: TapSpecification) {
        workers[tap.owner].post(.stopTap(tap.id, tap.trackIDs))
        frames.close(tap.id)
    }

    /// Packets that the frame lane has lost because its thread did not keep up.
    package var tappedPacketsDropped: Int { frames.dropped }

    // MARK: Links

    /// Opens a socket for a session on a worker that connects to another gateway.
    ///
    /// - Returns: Its number, for ``LinkRoute``; `nil` when the system gives no socket.
    package func openLink(worker: Int) -> UInt32? {
        let number = LinkRoute.firstNumber | nextLink.wrappingAdd(1, ordering: .relaxed).newValue
        guard let socket = LinkSocket.open(number: number) else { return nil }
        workers[worker].take(socket)
        return number
    }

    // MARK: Commands

    package func post(_ command: MediaCommand, to worker: Int) {
        workers[worker].post(command)
    }

    /// Every worker's figures, in order.
    package func report() async -> [MediaReport] {
        var reports: [MediaReport] = []
        for worker in workers {
            let isRunning = threads.withLock { !$0.isEmpty }
            guard isRunning else { return reports }
            let report = await withCheckedContinuation { continuation in
                worker.post(.report(MediaReportRequest { continuation.resume(returning: $0) }))
            }
            reports.append(report)
        }
        return reports
    }

    /// The figures of some viewers, all of one worker; those that are gone are missing.
    package func report(viewers: [PeerID], of worker: Int) async -> [ViewerReport] {
        guard threads.withLock({ !$0.isEmpty }) else { return [] }
        return await withCheckedContinuation { continuation in
            workers[worker].post(
                .reportViewers(ViewerReportRequest(peers: viewers) { continuation.resume(returning: $0) }))
        }
    }

    // MARK: Candidates

    /// Offers other addresses, their ports ignored, to clients that come from now on.
    ///
    /// - Returns: Whether they are others than before.
    package func announce(_ addresses: [TransportAddress]) -> Bool {
        let candidates = addresses.map { TransportAddress(high: $0.high, low: $0.low, port: port) }
        return announced.withLock { announced in
            guard announced != candidates else { return false }
            announced = candidates
            return true
        }
    }

    private static let containerBridges = ["docker", "br-", "veth", "virbr", "cni", "flannel", "lxc", "podman"]

    private static func candidates(
        _ configuration: MediaPlaneConfiguration,
        port: UInt16,
        family: Int32
    ) -> [TransportAddress] {
        func onPort(_ address: TransportAddress) -> TransportAddress {
            TransportAddress(high: address.high, low: address.low, port: port)
        }
        if !configuration.announce.isEmpty { return configuration.announce.map(onPort) }
        if let bound = TransportAddress(configuration.host, port: port), !bound.isUnspecified { return [bound] }
        let all = SocketAddress.local().filter { entry in
            (family == AF_INET6 || entry.address.isIPv4) && !entry.address.isLinkLocal
                && !containerBridges.contains { entry.interface.hasPrefix($0) }
        }
        let usable = all.filter { !$0.address.isLoopback }
        return (usable.isEmpty ? all : usable).map { onPort($0.address) }
    }
}
