package import Auth
package import Gateway
import Media
package import Primitives
import RTMP

extension FrameIngest: FrameSink {}

/// Lets publishers into the gateway once somebody else has said that they may.
package struct GatewayPublishBackend: PublishBackend {
    /// How long the holder of a credential has to wait, by its digest and where it is; `nil` when it need not.
    package typealias HolderLimit = @Sendable (String, TransportAddress?) -> Duration?
    package typealias Authorize = @Sendable (RTMPPublishRequest) async -> AuthorizationDecision

    private let gateway: Gateway
    private let authorize: Authorize

    package init(gateway: Gateway, authorize: @escaping Authorize) {
        self.gateway = gateway
        self.authorize = authorize
    }

    /// The usual way: tokens, stream keys and loopback, as the configuration says.
    ///
    /// - Parameters:
    ///   - gateway: Where publishers are let in.
    ///   - authorizer: Who may do what.
    ///   - guesses: Who has been wrong about it too often.
    ///   - holders: How often one credential may begin to publish; `nil` for no limit.
    package init(
        gateway: Gateway, authorizer: Authorizer, guesses: GuessLimit, holders: HolderLimit? = nil
    ) {
        self.init(gateway: gateway) { request in
            await authorizer.decision(about: request, guesses: guesses, holders: holders)
        }
    }

    package func admit(
        _ request: RTMPPublishRequest,
        onEnd: @escaping @Sendable (IngestEnd) -> Void
    ) async -> PublishAdmission {
        let (identity, terms): (PublisherIdentity, SessionTerms)
        switch await authorize(request) {
        case .allowed(let allowed, let conditions): (identity, terms) = (allowed, conditions)
        case .refused(let reason, let message):
            return .refused(code: RTMPStatusCode.publishDenied, reason: reason, message: message)
        }
        do throws(GatewayRefusal) {
            return .admitted(
                try await gateway.ingest(stream: request.stream, by: identity, terms: terms, onEnd: onEnd))
        } catch {
            let isTaken = error.code == .alreadyPublishing
            return .refused(
                code: isTaken ? RTMPStatusCode.publishBadName : RTMPStatusCode.publishFailed,
                reason: error.code.name,
                message: error.message
            )
        }
    }
}

extension Authorizer {
    /// How long what was begun with a grant may go on, and what it may send.
    private func terms(of grant: Grant) -> SessionTerms {
        SessionTerms(
            expiresAt: grant.expiresAt, maximumBitrate: grant.maximumBitrate, record: grant.record
        ) { [revocations] in
            grant.tokenID.map { revocations.isRevoked($0) } ?? false
        }
    }

    /// Whether `request` may publish; for RTMP the peer's address alone says what loopback is.
    package func decision(
        about request: RTMPPublishRequest, guesses: GuessLimit, holders: GatewayPublishBackend.HolderLimit? = nil
    ) async -> AuthorizationDecision {
        if guesses.wait(request.peer) != nil { return .refused(reason: GuessLimit.reason, message: GuessLimit.detail) }
        do throws(AuthRefusal) {
            let grant = try await admit(
                .publish,
                stream: request.stream,
                credential: request.credential,
                origin: RequestOrigin(peer: request.peer, transport: .socket),
                way: .rtmp
            )
            let terms = terms(of: grant)
            switch grant.holder {
            case .loopback: return .allowed(.loopback, terms)
            case .anonymous: return .allowed(.anonymous, terms)
            case .credential(let digest) where holders?(digest, request.peer) != nil:
                return .refused(
                    reason: "token-overused", message: "This token has asked for too many sessions. Wait a little.")
            case .credential(let digest): return .allowed(.credential(digest), terms)
            }
        } catch {
            guesses.note(error, from: request.peer)
            return .refused(reason: error.reason.rawValue, message: error.detail)
        }
    }
}
