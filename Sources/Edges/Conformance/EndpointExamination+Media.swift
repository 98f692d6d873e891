import Foundation
import HTTPTypes
import ICE
import Primitives
import SDP

extension EndpointExamination {
    /// How often what a peer tells is looked at, and for how long.
    private static let glance = Duration.milliseconds(100)
    private static let mediaPatience = 50
    /// Consent is lost after 30 s without an answer (RFC 7675 §5.1); a client may notice a little later.
    private static let silencePatience = 400

    /// Connects a session, and sees what happens to it.
    func examineMedia() async {
        let rows: [Row] = [.mediaConnected, .mediaReceived, .mediaSurvives, .mediaRestarts, .mediaEnds]
        guard let makePeer = world.makePeer else { return skip(rows, "no media client") }
        let peer: any ConformancePeer
        do throws(TransportFailure) {
            peer = try makePeer(endpoint.kind)
        } catch {
            return skip(rows, error.description)
        }
        async let following: Void = peer.follow()
        await examineMedia(of: peer)
        skip(rows, "the session did not connect")
        peer.close()
        await following
    }

    private func examineMedia(of peer: any ConformancePeer) async {
        let post = await post(peer.offer)
        guard let answer = post.acceptance, let session = location(answer, from: post.url) else {
            await endSession(openedBy: post)
            return skip([.mediaConnected], "no session was made")
        }
        let obstacle = await peer.connect(answer: answer.body)
        report(.mediaConnected, obstacle == nil, obstacle ?? "connected")
        if obstacle == nil {
            if endpoint.kind == .whep {
                let comes = await glance(Self.mediaPatience) { peer.receivedPackets > 0 }
                report(.mediaReceived, comes, comes ? "it comes" : "nothing within 5 s")
            }
            if await examineSurvival(of: peer, session) {
                await examineRestart(of: peer, session)
            } else {
                skip([.mediaRestarts], "the restart that failed has disturbed it")
            }
            await examineMediaEnd(of: peer, session)
        }
        await endSession(openedBy: post)
    }

    /// Looks again and again, until something is so or patience ends.
    private func glance(_ times: Int, until condition: () -> Bool) async -> Bool {
        for _ in 0..<times where !isStopped {
            if condition() { return true }
            await world.wait(Self.glance)
        }
        return condition()
    }

    /// A restart that the server has to refuse, and a second in which nothing may happen.
    ///
    /// - Returns: Whether the session is as it was.
    private func examineSurvival(of peer: any ConformancePeer, _ session: URL) async -> Bool {
        let mid = (try? SessionDescription(parsing: Array(peer.offer.utf8)))?.media.first?.mid
        var credentials = makeCredentials()
        credentials.password = Secret("short")
        let fragment = ProbeOffer.fragment(mid: mid, credentials, candidates: ProbeOffer.candidates)
        let fields: HTTPFields = [.contentType: MediaType.fragment, .ifMatch: "*"]
        let outcome = await send(.patch, session, fields, body: fragment)
        guard case .success(let response) = outcome, response.isError, response.status != 405 else {
            skip([.mediaSurvives], "no restart was refused")
            return true
        }
        let ended = await glance(10) { peer.end != nil }
        let before = peer.receivedPackets
        let flows = endpoint.kind == .whip ? true : await glance(20) { peer.receivedPackets > before || before == 0 }
        report(
            .mediaSurvives, !ended && flows,
            "\(response.status), and " + (ended ? "the transport ended" : flows ? "it goes on" : "media stopped"))
        return !ended && flows
    }

    /// A restart that goes well, and media on the path that it finds.
    private func examineRestart(of peer: any ConformancePeer, _ session: URL) async {
        guard peer.end == nil else { return skip([.mediaRestarts], "it ended before") }
        let fields: HTTPFields = [.contentType: MediaType.fragment, .ifMatch: "*"]
        let outcome = await send(.patch, session, fields, body: peer.makeRestart())
        guard case .success(let response) = outcome, response.status == 200 else {
            return skip([.mediaRestarts], "there was no restart")
        }
        if let obstacle = await peer.restart(answer: response.body) {
            return report(.mediaRestarts, false, obstacle)
        }
        let before = peer.receivedPackets
        let flows =
            endpoint.kind == .whip
            ? await !glance(10) { peer.end != nil }
            : await glance(20) { peer.receivedPackets > before || before == 0 }
        report(.mediaRestarts, flows, flows ? "it goes on" : "media stopped")
    }

    private func examineMediaEnd(of peer: any ConformancePeer, _ session: URL) async {
        guard peer.end == nil else { return skip([.mediaEnds], "it ended before") }
        let deleted = await send(.delete, session)
        guard case .success(let response) = deleted, response.isSuccess else {
            return skip([.mediaEnds], "DELETE was refused")
        }
        forget(session)
        if await glance(Self.mediaPatience, until: { peer.end != nil }) {
            return report(.mediaEnds, true, peer.end == .closedByServer ? "close_notify" : "silence")
        }
        let before = peer.receivedPackets
        if await glance(10, until: { peer.receivedPackets > before }) {
            return report(.mediaEnds, false, "media still comes")
        }
        // Whether the server still answers checks shows only when our consent runs out.
        guard includesSlow else { return skip([.mediaEnds], "no close_notify; --slow waits for silence") }
        let isSilent = await glance(Self.silencePatience) { peer.end != nil }
        report(.mediaEnds, isSilent, isSilent ? "silence" : "it still answers checks")
    }
}
