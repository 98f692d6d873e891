import Foundation
import HTTPTypes
import M3U8
import Primitives

/// Examines HLS by playing it: follows its playlists for a while, fetches what they name, and asks for what must be refused.
///
/// One request at a time, bounded in number (``maximumRequests``) and in what is kept.
package actor PlaylistExamination {
    package static let maximumRequests = 2_000
    /// For a transport that fetches segments.
    package static let maximumBodySize = 16 << 20
    /// That many requests without any answer, one after the other, are the last.
    package static let maximumSilence = 3
    /// Variants and renditions that are followed; those named beyond are not looked at.
    package static let maximumTracks = 16

    /// What surrounds a run; tests have a world of their own.
    package struct World: Sendable {
        package var transport: any ConformanceTransport
        /// Seconds of a clock that only goes forward.
        package var now: @Sendable () -> Double
        package var wait: @Sendable (Duration) async -> Void

        package init(
            transport: any ConformanceTransport, now: @escaping @Sendable () -> Double,
            wait: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }
        ) {
            self.transport = transport
            self.now = now
            self.wait = wait
        }
    }

    let endpoint: Endpoint
    let duration: Double
    let world: World
    var ledger = PlaylistLedger()
    package internal(set) var tracks: [PlaylistTrack] = []
    private var requestsLeft: Int
    private var silence = 0
    /// Why the last request without an answer had none.
    private(set) var lastFailure: TransportFailure?
    private(set) var isStopped = false

    /// - Parameters:
    ///   - endpoint: The address of a multivariant or a media playlist, and the token.
    ///   - seconds: For how long to follow what is live.
    ///   - world: How to ask.
    ///   - maximumRequests: How many requests to send at most.
    package init(_ endpoint: Endpoint, seconds: Double, world: World, maximumRequests: Int = maximumRequests) {
        self.endpoint = endpoint
        duration = seconds
        self.world = world
        requestsLeft = maximumRequests
    }

    /// Ends the run early: what has not been tried yet is skipped.
    package func stop() {
        isStopped = true
    }

    package func run() async -> PlaylistReport {
        await open()
        let end = world.now() + duration
        while !isStopped, requestsLeft > 0, world.now() < end, tracks.contains(where: { !$0.isOver }) {
            for index in tracks.indices where !isStopped { await follow(index) }
        }
        for index in tracks.indices where tracks[index].isOver { await confirmEnd(of: index) }
        await probe()
        ledger.subject = nil
        explain()
        let address = Quoted.line(String(endpoint.url.absoluteString.prefix { $0 != "?" }))
        return PlaylistReport(
            address: address, findings: ledger.findings, playlists: ledger.findingsByPlaylist,
            isComplete: !isStopped && requestsLeft > 0 && !tracks.isEmpty)
    }

    /// Says of rows that nothing was noted for why that is.
    private func explain() {
        guard let playlist = tracks.first?.judge.full else { return }
        if playlist.partTarget == nil {
            let rows: [PlaylistRow] = [
                .partTarget, .partLeast, .partSum, .partIndependent, .partContent, .control, .partHoldBack,
                .partHoldBackAdvice, .hint, .hintKept, .hintBlocks,
            ]
            ledger.skip(rows, "there are no parts")
        }
        if playlist.control?.canBlockReload != true {
            ledger.skip([.reload, .reloadLimit, .reloadPart], "the server does not block")
        }
        if playlist.control?.canSkipUntil == nil { ledger.skip([.deltaBoundary, .delta], "no delta updates") }
        if playlist.control?.holdBack == nil { ledger.skip([.holdBack], "left to the default") }
        if tracks.count < 2 { ledger.skip([.reports, .reportAccurate], "there is no other rendition") }
        ledger.skip([.window, .discontinuity], "no segment was removed meanwhile")
        ledger.skip([.ended], "the stream did not end meanwhile")
    }

    // MARK: Requests

    /// Asks for an address; `nil` when there is no answer.
    func get(_ url: URL, _ fields: HTTPFields = [:]) async -> ProbeResponse? {
        guard !isStopped, requestsLeft > 0 else { return nil }
        requestsLeft -= 1
        var request = ProbeRequest(method: .get, url: url, fields: fields)
        request.fields[.origin] = endpoint.origin
        if let token = endpoint.token { request.fields[.authorization] = "Bearer \(token.revealed)" }
        do {
            let response = try await world.transport.send(request)
            silence = 0
            return response
        } catch {
            silence += 1
            lastFailure = error
            if silence >= Self.maximumSilence { isStopped = true }
            return nil
        }
    }

    /// An address with delivery directives (§6.2.5) besides its own query.
    static func directed(_ url: URL, _ directives: [String]) -> URL {
        guard var parts = URLComponents(url: url, resolvingAgainstBaseURL: true) else { return url }
        parts.percentEncodedQuery = ([parts.percentEncodedQuery].compactMap { $0 } + directives).joined(separator: "&")
        return parts.url ?? url
    }
}

extension PlaylistTrack {
    /// Whether nothing more will come.
    var isOver: Bool { judge.full?.hasEnded ?? true }
}
