import Foundation
import HTTPTypes
import ICE
import Primitives

/// Examines an endpoint by asking it, and ends every session that it made.
///
/// Bounded in requests (``maximumRequests``), and so in time: the transport bounds each of them, and a server that is
/// silent several times in a row is asked no more.
package actor EndpointExamination {
    /// A run sends about forty.
    package static let maximumRequests = 100
    /// That many requests without any answer, one after the other, are the last.
    package static let maximumSilence = 3
    /// How often a run waits because of a 429, and for how long at most.
    package static let maximumWaits = 3
    package static let longestWait = Duration.seconds(30)

    /// What surrounds a run; tests have a world of their own.
    package struct World: Sendable {
        package var transport: any ConformanceTransport
        package var generator: any RandomNumberGenerator & Sendable
        /// Connects sessions; without it rows about media are skipped.
        package var makePeer: (@Sendable (EndpointKind) throws(TransportFailure) -> any ConformancePeer)?
        /// Seconds since 1970.
        package var now: @Sendable () -> Int64
        package var wait: @Sendable (Duration) async -> Void

        package init(
            transport: any ConformanceTransport,
            makePeer: (@Sendable (EndpointKind) throws(TransportFailure) -> any ConformancePeer)? = nil,
            generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(),
            now: @escaping @Sendable () -> Int64 = { Int64(Date.now.timeIntervalSince1970) },
            wait: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }
        ) {
            self.transport = transport
            self.makePeer = makePeer
            self.generator = generator
            self.now = now
            self.wait = wait
        }
    }

    typealias Outcome = Result<ProbeResponse, TransportFailure>

    /// What became of a POST.
    struct Post {
        /// The last answer.
        var outcome: Outcome
        /// Where it came from.
        var url: URL
        /// The statuses of the redirects on the way.
        var redirects: [Int]

        /// The answer, unless it is a refusal, a redirect, or missing.
        var acceptance: ProbeResponse? {
            guard case .success(let response) = outcome, response.isSuccess else { return nil }
            return response
        }
    }

    /// A request that was answered.
    struct Exchange {
        var method: HTTPRequest.Method
        var response: ProbeResponse
    }

    let endpoint: Endpoint
    let includesSlow: Bool
    var world: World
    private let onFinding: @Sendable (Finding) -> Void
    private var findings: [Row: Finding] = [:]
    private(set) var exchanges: [Exchange] = []
    /// What no error may repeat: the token, and passwords of offers.
    private(set) var secrets: [String] = []
    private var openSessions: [URL] = []
    private var requestsLeft: Int
    private var silence = 0
    private var waits = 0
    private(set) var isStopped = false

    /// - Parameters:
    ///   - endpoint: What to examine.
    ///   - includesSlow: Whether to try what takes a minute and more.
    ///   - world: How to ask.
    ///   - maximumRequests: How many requests to send at most.
    ///   - onFinding: Called for each row as soon as it is decided, in no order worth knowing.
    package init(
        _ endpoint: Endpoint, includesSlow: Bool = false, world: World, maximumRequests: Int = maximumRequests,
        onFinding: @escaping @Sendable (Finding) -> Void = { _ in }
    ) {
        self.endpoint = endpoint
        self.includesSlow = includesSlow
        self.world = world
        requestsLeft = maximumRequests
        self.onFinding = onFinding
        if let token = endpoint.token { secrets.append(token.revealed) }
    }

    /// Ends the run early: what has not been tried yet is skipped, and open sessions are ended.
    package func stop() {
        isStopped = true
    }

    package func run() async -> Report {
        await examineEndpoint()
        await examineSession()
        await examineMedia()
        await examineRefusals()
        await examineIdleStream()
        await examineCounterOffer()
        await examineAbandonment()
        for url in openSessions { await end(url) }
        judgeExchanges()
        let rows = Row.all(for: endpoint.kind)
        for row in rows where findings[row] == nil { report(row, .skipped, TransportFailure.stopped.description) }
        return Report(
            endpoint: endpoint, findings: rows.compactMap { findings[$0] }, isComplete: !isStopped && requestsLeft > 0)
    }

    // MARK: Findings

    /// Notes what became of a row, once; rows of the other kind of endpoint are passed over.
    func report(_ row: Row, _ verdict: Finding.Verdict, _ seen: String) {
        guard row.requirement.source(for: endpoint.kind) != nil else { return }
        assert(findings[row] == nil, "\(row.rawValue) is decided twice")
        let finding = Finding(row, verdict, Quoted.line(seen))
        findings[row] = finding
        onFinding(finding)
    }

    func report(_ row: Row, _ passes: Bool, _ seen: String) {
        report(row, passes ? .passed : .failed, seen)
    }

    func isDecided(_ row: Row) -> Bool { findings[row] != nil }

    /// Skips those of `rows` that are not decided yet.
    func skip(_ rows: [Row], _ reason: String) {
        for row in rows where findings[row] == nil { report(row, .skipped, reason) }
    }

    /// Judges an answer by its status; without one the row fails, or is skipped where we are to blame.
    func report(_ row: Row, _ outcome: Outcome, seen: String? = nil, passes: (ProbeResponse) -> Bool) {
        switch outcome {
        case .success(let response): report(row, passes(response), seen ?? String(response.status))
        case .failure(let failure): report(row, failure)
        }
    }

    func report(_ row: Row, _ failure: TransportFailure) {
        report(row, failure.isServers ? .failed : .skipped, failure.description)
    }

    /// Remembers what no error may repeat.
    func note(secret: String) {
        secrets.append(secret)
    }

    // MARK: What to send

    /// An offer whose password no error may repeat.
    func makeOffer(codecs: ProbeOffer.Codecs = .usual, isBundled: Bool = true) -> ProbeOffer {
        let offer = ProbeOffer(endpoint.kind, codecs: codecs, isBundled: isBundled, using: &world.generator)
        note(secret: offer.credentials.password.revealed)
        return offer
    }

    /// New ICE credentials, whose password no error may repeat.
    func makeCredentials() -> ICECredentials {
        let credentials = ICECredentials(using: &world.generator)
        note(secret: credentials.password.revealed)
        return credentials
    }

    // MARK: Requests

    /// Sends one request, and another one after a 429 that says for how long to wait.
    ///
    /// - Parameters:
    ///   - method: What to do.
    ///   - url: Where.
    ///   - fields: Besides `Origin` and the token.
    ///   - body: What to send.
    ///   - isAuthorized: Whether to send the token.
    /// - Returns: The answer, or why there is none.
    func send(
        _ method: HTTPRequest.Method, _ url: URL, _ fields: HTTPFields = [:], body: String? = nil,
        isAuthorized: Bool = true
    ) async -> Outcome {
        guard !isStopped else { return .failure(.stopped) }
        var request = ProbeRequest(method: method, url: url, fields: fields, body: body.map { Array($0.utf8) })
        request.fields[.origin] = endpoint.origin
        if isAuthorized, let token = endpoint.token { request.fields[.authorization] = "Bearer \(token.revealed)" }
        while true {
            guard requestsLeft > 0 else { return .failure(.tooManyRequests) }
            requestsLeft -= 1
            let outcome = await attempt(request)
            guard case .success(let response) = outcome, response.status == 429 else { return outcome }
            guard let wait = response.fields[.retryAfter].flatMap({ Int64($0) }), wait >= 0,
                .seconds(wait) <= Self.longestWait, waits < Self.maximumWaits
            else { return .failure(.limited) }
            waits += 1
            await world.wait(.seconds(max(1, wait)))
        }
    }

    private func attempt(_ request: ProbeRequest) async -> Outcome {
        do throws(TransportFailure) {
            let response = try await world.transport.send(request)
            silence = 0
            exchanges.append(Exchange(method: request.method, response: response))
            return .success(response)
        } catch {
            silence += 1
            if silence >= Self.maximumSilence { isStopped = true }
            return .failure(error)
        }
    }

    /// Posts what may be an offer, and follows redirects as a client must (RFC 9725 §4.5).
    ///
    /// A session that this opens is remembered.
    func post(
        _ body: String, to url: URL? = nil, type: String = MediaType.sdp, token: String? = nil
    ) async -> Post {
        var url = url ?? endpoint.url
        var redirects: [Int] = []
        var fields: HTTPFields = [.contentType: type]
        if let token { fields[.authorization] = "Bearer \(token)" }
        while true {
            let outcome = await send(.post, url, fields, body: body, isAuthorized: token == nil)
            guard case .success(let response) = outcome else {
                return Post(outcome: outcome, url: url, redirects: redirects)
            }
            guard [301, 302, 303, 307, 308].contains(response.status), redirects.count < 3,
                let next = response.fields[.location].flatMap({ Endpoint.resolve($0, from: url) })
            else {
                if response.isSuccess || response.status == 406, let session = location(response, from: url) {
                    openSessions.append(session)
                }
                return Post(outcome: outcome, url: url, redirects: redirects)
            }
            redirects.append(response.status)
            url = next
        }
    }

    func location(_ response: ProbeResponse, from url: URL) -> URL? {
        response.fields[.location].flatMap { Endpoint.resolve($0, from: url) }
    }

    // MARK: Sessions

    /// Ends a session that a probe may have opened and that nothing more is to be learned from.
    func endSession(openedBy post: Post) async {
        guard case .success(let response) = post.outcome, let session = location(response, from: post.url),
            openSessions.contains(session)
        else { return }
        await end(session)
    }

    /// Takes a session off the list of those to end.
    func forget(_ session: URL) {
        openSessions.removeAll { $0 == session }
    }

    /// Goes around all limits: a session of ours must not stay.
    private func end(_ session: URL) async {
        var request = ProbeRequest(method: .delete, url: session, fields: [.origin: endpoint.origin])
        if let token = endpoint.token { request.fields[.authorization] = "Bearer \(token.revealed)" }
        _ = try? await world.transport.send(request)
        forget(session)
    }
}

/// The media types of WHIP and WHEP.
enum MediaType {
    static let sdp = "application/sdp"
    static let fragment = "application/trickle-ice-sdpfrag"
    static let problem = "application/problem+json"
}
