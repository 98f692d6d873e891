import Auth
import Gateway
import HTTPTypes
import Hummingbird
import Primitives

/// Other gateways of the cluster: `POST /whep/{stream}?layers=all` with a node token asks for all of a stream, and is answered
/// with an offer of ours, which is answered and ended as any WHEP session whose offer we have made.
struct LinkRoutes: Sendable {
    let gateway: any GatewayService
    /// `nil` where there is no cluster.
    let tokens: NodeTokens?
    /// This gateway.
    let node: String

    /// Whether a request is one of these.
    static func isLink(_ request: Request) -> Bool { request.uri.queryParameters["layers"] == "all" }

    func open(
        _ stream: StreamName, _ request: Request, access: Access, peer: TransportAddress?
    ) async throws(Problem)
        -> Response
    {
        try access.checkGuesses(peer)
        let refusal = AuthRefusal(
            reason: .credentialWrong,
            detail: "All layers at once are for gateways of the same cluster. Leave `layers` out to watch.")
        guard let tokens, let credential = access.bearer(request),
            let visited = tokens.verify(credential, stream: stream)
        else {
            access.guesses.note(refusal, from: peer)
            throw Problem(refusal)
        }
        guard !visited.contains(node), visited.count < NodeTokens.maximumHops else { throw .linkLoop }
        do throws(GatewayRefusal) {
            let offer = try await gateway.offerLink(stream: stream)
            let headers: HTTPFields = [
                .contentType: SessionRoutes.offerType,
                .location: "/whep/\(stream)/\(offer.sessionID)",
                .eTag: offer.entityTag,
                .cacheControl: "no-store",
            ]
            return Response(status: .created, headers: headers, body: .init(byteBuffer: .init(string: offer.sdp)))
        } catch {
            throw Problem(error)
        }
    }
}

extension Problem {
    fileprivate static let linkLoop = Problem(
        409, "link-loop", "The request has been at this gateway already, or at too many others.",
        retryAfter: .seconds(1))
}
