import CLinux
import DTLS
import Glibc
import Primitives

/// Owns every DTLS association for its whole life, on one thread of lower priority.
///
/// A handshake costs about a millisecond of public-key work. Here it can never delay a packet: workers
/// hand datagrams over and get datagrams and keys back through their mailboxes.
final class HandshakeThread: Sendable {
    private enum Work: Sendable {
        case input(HandshakeInput, worker: Int)
        case stop
    }

    /// Associations at most; those beyond are refused.
    private static let maximumAssociations = 50_000
    /// How often associations whose timers may have run out are looked at.
    private static let timerInterval: Int64 = 50_000_000

    private let mailbox = Mailbox<Work>()
    private let context: DTLSContext
    private let answer: @Sendable (Int, PeerID, HandshakeOutput) -> Void

    /// `answer` gives a worker's session what the handshake made; it is called on this thread.
    init(context: DTLSContext, answer: @escaping @Sendable (Int, PeerID, HandshakeOutput) -> Void) {
        self.context = context
        self.answer = answer
    }

    func start() -> Thread {
        Thread(name: "handshake") { self.run() }
    }

    func post(_ input: HandshakeInput, from worker: Int) {
        mailbox.post(.input(input, worker: worker))
    }

    func stop() {
        mailbox.post(.stop)
    }

    /// An association; a class only because noncopyable values cannot live in a dictionary.
    private final class Association {
        var endpoint: DTLSEndpoint
        let worker: Int
        var isConnected = false

        init(endpoint: consuming DTLSEndpoint, worker: Int) {
            self.endpoint = endpoint
            self.worker = worker
        }
    }

    private func run() {
        martlet_renice_thread(5)
        let epoll = martlet_epoll_create()
        defer { close(epoll) }
        _ = martlet_epoll_add(epoll, mailbox.descriptor, 0)
        var associations: [PeerID: Association] = [:]
        /// Sessions whose handshake is under way, and so have a timer.
        var unfinished: Set<PeerID> = []
        var work: [Work] = []
        var event = martlet_event()
        while true {
            work.removeAll(keepingCapacity: true)
            mailbox.take(into: &work)
            if work.isEmpty {
                if mailbox.prepareToSleep() {
                    _ = martlet_epoll_wait(epoll, &event, 1, unfinished.isEmpty ? -1 : Self.timerInterval)
                }
                mailbox.awake()
            }
            for item in work {
                switch item {
                case .stop: return
                case .input(let input, let worker):
                    handle(input, worker: worker, associations: &associations, unfinished: &unfinished)
                }
            }
            for id in unfinished {
                guard let association = associations[id] else { continue }
                if let timeout = association.endpoint.timeout(), timeout.nanoseconds <= 0 {
                    association.endpoint.handleTimeout()
                    drain(id, association, associations: &associations, unfinished: &unfinished)
                }
            }
        }
    }

    private func handle(
        _ input: HandshakeInput,
        worker: Int,
        associations: inout [PeerID: Association],
        unfinished: inout Set<PeerID>
    ) {
        switch input {
        case .start(let id, let role, let fingerprints):
            guard associations[id] == nil else { return }
            do throws(DTLSError) {
                guard associations.count < Self.maximumAssociations else { throw .setup("too many associations") }
                let endpoint = try DTLSEndpoint(context: context, role: role, expected: fingerprints)
                let association = Association(endpoint: endpoint, worker: worker)
                associations[id] = association
                unfinished.insert(id)
                association.endpoint.start()
                drain(id, association, associations: &associations, unfinished: &unfinished)
            } catch {
                answer(worker, id, .failed(error, []))
            }
        case .datagram(let id, let bytes):
            guard let association = associations[id] else { return }
            association.endpoint.receive(bytes.span)
            drain(id, association, associations: &associations, unfinished: &unfinished)
        case .close(let id, let address):
            guard let association = associations.removeValue(forKey: id) else { return }
            unfinished.remove(id)
            association.endpoint.close()
            var datagrams: [[UInt8]] = []
            while let datagram = association.endpoint.nextDatagram() { datagrams.append(datagram) }
            if let address, !datagrams.isEmpty { answer(association.worker, id, .farewell(datagrams, to: address)) }
        }
    }

    /// Passes on what an endpoint has to say: keys together with the flight that must not leave before them.
    private func drain(
        _ id: PeerID,
        _ association: Association,
        associations: inout [PeerID: Association],
        unfinished: inout Set<PeerID>
    ) {
        var datagrams: [[UInt8]] = []
        while let datagram = association.endpoint.nextDatagram() { datagrams.append(datagram) }
        while let event = association.endpoint.nextEvent() {
            switch event {
            case .connected(let keys):
                association.isConnected = true
                unfinished.remove(id)
                answer(association.worker, id, .connected(keys, lastFlight: datagrams))
                datagrams = []
            case .failed(let error):
                associations[id] = nil
                unfinished.remove(id)
                answer(association.worker, id, .failed(error, datagrams))
                return
            case .closed:
                associations[id] = nil
                unfinished.remove(id)
                if !datagrams.isEmpty { answer(association.worker, id, .datagrams(datagrams)) }
                answer(association.worker, id, .closed)
                return
            }
        }
        if !datagrams.isEmpty { answer(association.worker, id, .datagrams(datagrams)) }
    }
}
