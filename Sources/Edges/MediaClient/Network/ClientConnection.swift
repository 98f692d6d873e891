import CLinux
import DTLS
import Glibc
import ICE
package import Media
import MediaIO
package import Primitives
import Synchronization
import WebRTC

/// Our answer to an offer that a WHEP server has made.
package struct ClientReply: Sendable {
    /// The answer, with CRLF line ends.
    package let sdp: String
    let agreed: ClientAnswer

    /// What will come, in the order of the offer.
    package var tracks: [TrackDescription] { agreed.tracks.map(\.description) }
}

/// Our half of an ICE restart.
package struct ClientRestart: Sendable {
    /// What to send to the session by PATCH, `application/trickle-ice-sdpfrag`.
    package let fragment: String
    let credentials: ICECredentials
}

/// A ``ClientSession`` with its sockets and a thread that drives it.
///
/// The offer is there from the beginning; carry it to the server, and give the answer to ``accept(answer:)``. Its
/// methods may be called from any thread and do not wait, except ``close()``.
package final class ClientConnection: Sendable {
    private enum Work: Sendable {
        case accept(ClientAnswer)
        case restart(ClientRestart, remote: ICECredentials, [ICECandidate])
        case configure(CodecConfiguration)
        case frame(EncodedFrame)
        case close
    }

    /// Frames that may wait for the thread, some seconds of a stream; beyond, the newest are dropped.
    package static let maximumPendingFrames = 512
    /// Frames received that may wait to be taken from ``frames``; beyond, the newest are dropped.
    package static let maximumReceivedFrames = 1_024
    private static let mailboxToken = UInt64.max
    private static let statisticsInterval = Interval.milliseconds(100)
    /// Datagrams of one socket before the others get their turn.
    private static let receiveRounds = 64

    /// What happens to the session, in order; finishes behind ``ClientSession/Event/ended(_:)``.
    package let events: AsyncStream<ClientSession.Event>
    /// The frames that a decoder can show, when watching.
    package let frames: AsyncStream<EncodedFrame>
    /// The offer, with CRLF line ends.
    package let offer: String

    /// How the attempt to connect ended, once; `nil` for well.
    private let outcome: AsyncStream<ClientEnd?>
    private let negotiator: ClientOffer
    private let mailbox: Mailbox<Work>
    private let pendingFrames: Counter
    private let published: Published
    private let thread: Mutex<Thread?>

    /// What the thread tells without being asked.
    private final class Published: Sendable {
        let statistics = Mutex(ClientStatistics())
    }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    /// Opens the sockets and starts the thread, which waits for the answer.
    ///
    /// - Parameters:
    ///   - purpose: What the session is for.
    ///   - server: The address that signaling goes to, if known; see ``ClientSockets``.
    ///   - keepsFrames: Whether ``frames`` is to be filled.
    /// - Throws: ``ClientError``.
    package init(
        _ purpose: ClientSession.Purpose,
        server: TransportAddress?,
        keepsFrames: Bool = false
    ) throws(ClientError) {
        let sockets = try ClientSockets(towards: server)
        let context: DTLSContext
        do throws(DTLSError) {
            context = try DTLSContext()
        } catch {
            throw .dtls("\(error)")
        }
        let session = ClientSession(
            purpose,
            context: context,
            candidates: sockets.sockets.map(\.address),
            wallClockOffset: martlet_realtime_ns() - martlet_monotonic_ns(),
            generator: SystemRandomNumberGenerator()
        )
        negotiator = session.offer
        offer = session.offer.sdp
        let (events, reportEvent) = AsyncStream.makeStream(of: ClientSession.Event.self)
        let (outcome, reportOutcome) = AsyncStream.makeStream(of: ClientEnd?.self)
        let (frames, reportFrame) = AsyncStream.makeStream(
            of: EncodedFrame.self,
            bufferingPolicy: .bufferingOldest(Self.maximumReceivedFrames)
        )
        self.events = events
        self.outcome = outcome
        self.frames = frames
        let mailbox = Mailbox<Work>()
        let (pendingFrames, published) = (Counter(), Published())
        self.mailbox = mailbox
        self.pendingFrames = pendingFrames
        self.published = published
        let loop = Loop(
            session: session,
            sockets: sockets,
            mailbox: mailbox,
            pendingFrames: pendingFrames,
            published: published,
            events: reportEvent,
            outcome: reportOutcome,
            frames: keepsFrames ? reportFrame : nil
        )
        thread = Mutex(
            Thread(name: "client") {
                loop.run()
                reportFrame.finish()
                reportEvent.finish()
            }
        )
    }

    deinit {
        close()
    }

    // MARK: - In

    /// Begins to connect.
    ///
    /// - Returns: The tracks that the server agreed to, in the order of the offer.
    /// - Throws: ``ClientError/answer(_:)`` when the answer cannot be used.
    package func accept(answer: [UInt8]) throws(ClientError) -> [TrackDescription] {
        do throws(OfferError) {
            let answer = try negotiator.read(answer: answer)
            mailbox.post(.accept(answer))
            return answer.tracks.map(\.description)
        } catch {
            throw .answer(error)
        }
    }

    /// Answers the offer that a WHEP server has made instead of answering ours.
    ///
    /// - Returns: The answer for the server, and then for ``accept(_:)``.
    /// - Throws: ``ClientError/answer(_:)`` when the server's offer cannot be answered.
    package func answer(counterOffer: [UInt8]) throws(ClientError) -> ClientReply {
        do throws(OfferError) {
            let (sdp, agreed) = try negotiator.answer(counterOffer: counterOffer)
            return ClientReply(sdp: sdp, agreed: agreed)
        } catch {
            throw .answer(error)
        }
    }

    /// Begins to connect as agreed; before the server has the answer it would know nothing of us.
    package func accept(_ reply: ClientReply) {
        mailbox.post(.accept(reply.agreed))
    }

    /// What to ask the server for when the network has changed.
    package func makeRestart() -> ClientRestart {
        var generator = SystemRandomNumberGenerator()
        let credentials = ICECredentials(using: &generator)
        return ClientRestart(fragment: negotiator.restartFragment(credentials), credentials: credentials)
    }

    /// Looks for a path anew; ``ClientSession/Event/restarted`` says that there is one.
    ///
    /// - Parameters:
    ///   - restart: What the server was asked for.
    ///   - answer: The fragment that it answered with.
    /// - Throws: ``ClientError/answer(_:)`` when that is none, or has no credentials.
    package func accept(_ restart: ClientRestart, answer: [UInt8]) throws(ClientError) {
        do throws(OfferError) {
            let fragment = try TrickleFragment(parsing: answer)
            guard let remote = fragment.credentials else { throw OfferError.noICE }
            mailbox.post(.restart(restart, remote: remote, fragment.candidates))
        } catch {
            throw .answer(error)
        }
    }

    /// Waits until media may flow; to be awaited once.
    ///
    /// - Returns: `nil`, or why the session ended before.
    package func waitUntilConnected() async -> ClientEnd? {
        for await end in outcome { return end }
        return .requested
    }

    /// Says how a track to publish is encoded.
    package func configure(_ configuration: CodecConfiguration) {
        mailbox.post(.configure(configuration))
    }

    /// Sends a frame, in decoding order within each track; dropped while the session is not connected.
    package func write(_ frame: EncodedFrame) {
        let pending = pendingFrames.value.wrappingAdd(1, ordering: .relaxed).newValue
        guard pending <= Self.maximumPendingFrames else {
            pendingFrames.value.wrappingSubtract(1, ordering: .relaxed)
            return
        }
        mailbox.post(.frame(frame))
    }

    /// Ends the session in good order, and waits for that; the signaling session is the caller's to delete.
    package func close() {
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let running else { return }
        mailbox.post(.close)
        running.join()
    }

    // MARK: - Figures

    /// What has happened so far, at most a tenth of a second old.
    package var statistics: ClientStatistics { published.statistics.withLock { $0 } }

    /// Now, on the clock that ``statistics`` is told by.
    package static var now: Instant { Instant(nanoseconds: martlet_monotonic_ns()) }

    // MARK: - The thread

    /// All that the thread owns.
    ///
    /// A class, because noncopyable values cannot be captured by a closure. It is `Sendable` although it is not
    /// protected: after `init` nobody but the thread touches it.
    private final class Loop: @unchecked Sendable {
        private var session: ClientSession
        private let sockets: ClientSockets
        private let mailbox: Mailbox<Work>
        private let pendingFrames: Counter
        private let published: Published
        private let events: AsyncStream<ClientSession.Event>.Continuation
        private let outcome: AsyncStream<ClientEnd?>.Continuation
        private let frames: AsyncStream<EncodedFrame>.Continuation?

        init(
            session: consuming ClientSession,
            sockets: consuming ClientSockets,
            mailbox: Mailbox<Work>,
            pendingFrames: Counter,
            published: Published,
            events: AsyncStream<ClientSession.Event>.Continuation,
            outcome: AsyncStream<ClientEnd?>.Continuation,
            frames: AsyncStream<EncodedFrame>.Continuation?
        ) {
            self.session = session
            self.sockets = sockets
            self.mailbox = mailbox
            self.pendingFrames = pendingFrames
            self.published = published
            self.events = events
            self.outcome = outcome
            self.frames = frames
        }

        func run() {
            let epoll = martlet_epoll_create()
            defer { Glibc.close(epoll) }
            _ = martlet_epoll_add(epoll, mailbox.descriptor, ClientConnection.mailboxToken)
            for index in sockets.sockets.indices {
                _ = martlet_epoll_add(epoll, sockets.sockets[index].descriptor, UInt64(index))
            }
            var ready = [martlet_event](repeating: martlet_event(), count: ClientSockets.maximumCount + 1)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2_048, alignment: 16)
            defer { buffer.deallocate() }
            var work: [Work] = []
            var publishAt = Instant.zero
            while !session.hasEnded {
                var timeout = ClientConnection.statisticsInterval.nanoseconds
                if let deadline = session.deadline {
                    timeout = min(timeout, max(deadline.since(ClientConnection.now).nanoseconds, 0))
                }
                let maySleep = mailbox.prepareToSleep()
                let count = martlet_epoll_wait(epoll, &ready, Int32(ready.count), maySleep ? timeout : 0)
                mailbox.awake()
                let now = ClientConnection.now
                for event in ready[..<Int(count)] where event.token != ClientConnection.mailboxToken {
                    receive(Int(event.token), into: buffer, at: now)
                }
                work.removeAll(keepingCapacity: true)
                mailbox.take(into: &work)
                for item in work { perform(item, at: now) }
                session.advance(to: now)
                drain()
                if now >= publishAt {
                    publishAt = now + ClientConnection.statisticsInterval
                    publish()
                }
            }
            publish()
        }

        private func receive(_ index: Int, into buffer: UnsafeMutableRawBufferPointer, at now: Instant) {
            let local = sockets.sockets[index].address
            for _ in 0..<ClientConnection.receiveRounds {
                guard let (datagram, source) = sockets.receive(index, into: buffer) else { return }
                session.receive(datagram, on: local, from: source, at: now)
                drain()
            }
        }

        private func perform(_ work: Work, at now: Instant) {
            switch work {
            case .accept(let answer): session.accept(answer, at: now)
            case .restart(let restart, let remote, let candidates):
                session.restart(local: restart.credentials, remote: remote, candidates: candidates, at: now)
            case .configure(let configuration): session.configure(configuration)
            case .frame(let frame):
                pendingFrames.value.wrappingSubtract(1, ordering: .relaxed)
                session.send(frame, at: now)
            case .close: session.close(at: now)
            }
            drain()
        }

        private func drain() {
            while let output = session.nextOutput() {
                switch output {
                case .transmit(let datagram, let path):
                    sockets.send(datagram, from: path.local, to: path.remote)
                case .frame(let frame): frames?.yield(frame)
                case .event(let event):
                    switch event {
                    case .connected: outcome.yield(nil)
                    case .ended(let end): outcome.yield(end)
                    case .keyFrameRequested, .restarted: break
                    }
                    events.yield(event)
                }
            }
        }

        private func publish() {
            let statistics = session.statistics
            published.statistics.withLock { $0 = statistics }
        }
    }
}
