import Foundation
import HTTPTypes
import SDP

extension EndpointExamination {
    private static let rowsOfCounterOffer: [Row] = [
        .counterOffer, .counterOfferSDP, .counterOfferValidity, .counterOfferAnswer, .counterOfferGarbage,
        .counterOfferConnected,
    ]

    /// Offers what cannot be answered as it stands, and looks whether the server makes an offer of its own.
    func examineCounterOffer() async {
        guard endpoint.kind == .whep else { return }
        // The first offer may have been answered like that already.
        if !isDecided(.counterOffer) { await provokeCounterOffer() }
        await examineGarbage()
        await examineConnection()
    }

    private func provokeCounterOffer() async {
        let offer = makeOffer(isBundled: false)
        let post = await post(offer.text)
        switch post.outcome {
        case .success(let response) where response.isCounterOffer:
            await judgeCounterOffer(response, from: post.url)
        case .success(let response):
            await endSession(openedBy: post)
            skip(Self.rowsOfCounterOffer, "\(response.status) for an offer without BUNDLE")
        case .failure(let failure): skip(Self.rowsOfCounterOffer, failure.description)
        }
    }

    func judgeCounterOffer(_ response: ProbeResponse, from url: URL) async {
        judgeValidity(response)
        let session = location(response, from: url)
        report(.counterOffer, session != nil, response.fields[.location] == nil ? "none" : "there")
        guard let offer = try? SessionDescription(parsing: response.body), !offer.media.isEmpty else {
            report(.counterOfferSDP, .failed, "no session description")
            return skip(Self.rowsOfCounterOffer, "no offer to answer")
        }
        let fault = Self.fault(of: offer)
        report(.counterOfferSDP, fault == nil, fault ?? "\(offer.media.count) media sections")
        guard let session else { return skip(Self.rowsOfCounterOffer, "nowhere to send the answer") }
        let probe = makeOffer()
        let answer = Self.answer(to: offer, as: probe)
        let outcome = await send(.patch, session, [.contentType: MediaType.sdp], body: answer.text)
        report(.counterOfferAnswer, outcome) { $0.status == 204 }
        _ = await send(.delete, session)
        forget(session)
    }

    /// Another counter-offer, of which a server that takes garbage amiss may make nothing any more.
    private func examineGarbage() async {
        guard !isDecided(.counterOfferGarbage) else { return }
        let post = await post(makeOffer(isBundled: false).text)
        guard case .success(let response) = post.outcome, response.isCounterOffer,
            let session = location(response, from: post.url)
        else { return skip([.counterOfferGarbage], "no counter-offer") }
        let fields: HTTPFields = [.contentType: MediaType.sdp]
        report(.counterOfferGarbage, await send(.patch, session, fields, body: "this is no answer\r\n")) {
            $0.isRefusal
        }
        _ = await send(.delete, session)
        forget(session)
    }

    /// One that a peer with sockets answers.
    private func examineConnection() async {
        guard !isDecided(.counterOfferConnected) else { return }
        guard let makePeer = world.makePeer, let peer = try? makePeer(endpoint.kind) else {
            return skip([.counterOfferConnected], "no media client")
        }
        async let following: Void = peer.follow()
        await examineConnection(of: peer)
        peer.close()
        await following
    }

    private func examineConnection(of peer: any ConformancePeer) async {
        let lines = peer.offer.split(separator: "\r\n", omittingEmptySubsequences: false)
        let post = await post(lines.filter { !$0.hasPrefix("a=group:BUNDLE") }.joined(separator: "\r\n"))
        guard case .success(let response) = post.outcome, response.isCounterOffer,
            let session = location(response, from: post.url), let answer = peer.answer(counterOffer: response.body)
        else {
            await endSession(openedBy: post)
            return skip([.counterOfferConnected], "no counter-offer that could be answered")
        }
        let outcome = await send(.patch, session, [.contentType: MediaType.sdp], body: answer)
        if case .success(let response) = outcome, response.isSuccess {
            let obstacle = await peer.connect()
            report(.counterOfferConnected, obstacle == nil, obstacle ?? "connected")
        } else {
            report(.counterOfferConnected, outcome) { _ in false }
        }
        _ = await send(.delete, session)
        forget(session)
    }

    private func judgeValidity(_ response: ProbeResponse) {
        let parameters = (response.fields[.contentType] ?? "").split(separator: ";").dropFirst()
        for parameter in parameters {
            let pair = parameter.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != "\"" } }
            guard pair.count == 2, pair[0].filter({ $0 != " " }).lowercased() == "valid-until" else { continue }
            let end = HTTPDate.parse(String(pair[1]))
            return report(.counterOfferValidity, end.map { $0 > world.now() } ?? false, String(pair[1]))
        }
        report(.counterOfferValidity, .skipped, "none: 30 s")
    }

    /// An offer lets the answerer choose the DTLS role (RFC 8842 §5.2), and this one comes from who sends.
    private static func fault(of offer: SessionDescription) -> String? {
        for (index, media) in offer.media.enumerated() where media.media == "audio" || media.media == "video" {
            let setup = offer.inherited("setup", inMediaSection: index) ?? "none"
            if setup != SetupRole.actpass.rawValue { return "setup is \(setup)" }
            let direction = media.direction ?? offer.attributes.direction ?? .sendrecv
            if !direction.sends { return "\(media.media) is \(direction.rawValue)" }
        }
        return nil
    }

    /// Takes all that is offered.
    private static func answer(to offer: SessionDescription, as probe: ProbeOffer) -> SessionDescription {
        var answer = SessionDescription(origin: probe.description.origin)
        if let group = offer.group("BUNDLE") { answer.attributes.append("group", group.value) }
        let ours = probe.description.media.first?.attributes ?? SDPAttributes()
        for media in offer.media {
            var attributes = SDPAttributes()
            for name in ["ice-ufrag", "ice-pwd", "ice-options", "fingerprint"] {
                attributes.append(name, ours.first(name))
            }
            attributes.append("setup", SetupRole.active.rawValue)
            attributes.append("mid", media.mid)
            attributes.append("rtcp-mux")
            attributes.append(MediaDirection.recvonly.rawValue)
            let kept = media.attributes.elements.filter { ["rtpmap", "fmtp", "rtcp-fb"].contains($0.name) }
            attributes.elements += kept
            answer.media.append(
                MediaDescription(
                    media: media.media, port: 9, transport: media.transport, formats: media.formats,
                    connection: "IN IP4 0.0.0.0", attributes: attributes))
        }
        return answer
    }
}
