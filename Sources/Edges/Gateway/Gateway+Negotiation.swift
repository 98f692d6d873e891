import MediaIO
import Primitives
import WebRTC

/// What offers are answered with.
extension Gateway {
    func checkCapacity(forStream name: StreamName) throws(GatewayRefusal) {
        guard !isDraining else { throw Self.draining }
        guard sessions.count < policy.maximumSessions, streams[name] != nil || streams.count < policy.maximumStreams
        else { throw Self.overloaded }
    }

    func parse(_ bytes: [UInt8]) throws(GatewayRefusal) -> SessionOffer {
        do throws(OfferError) {
            return try SessionOffer(parsing: bytes)
        } catch {
            throw refusal(for: error)
        }
    }

    func refusal(for error: OfferError) -> GatewayRefusal {
        switch error {
        case .noCommonCodec: GatewayRefusal(.noCommonCodec, error.detail)
        default: GatewayRefusal(.malformedOffer, error.detail)
        }
    }

    func localDescription(worker: Int) -> LocalDescription {
        LocalDescription(
            credentials: plane.makeCredentials(worker: worker),
            fingerprint: plane.fingerprint,
            candidates: plane.candidates,
            acceptsTCP: plane.acceptsTCP,
            sessionID: UInt64.random(in: 1...(1 << 62)),
            canonicalName: MediaCore.canonicalName,
            firstSSRC: UInt32.random(in: 1...0x7FFF_FFFF)
        )
    }

    static let draining = GatewayRefusal(
        .draining,
        "The gateway is shutting down. Connect to another one.",
        retryAfter: .seconds(5)
    )
    static let overloaded = GatewayRefusal(
        .overloaded,
        "The gateway has as many sessions as it is configured to take.",
        retryAfter: .seconds(10)
    )

    /// Says also what became of a session that failed a while ago.
    func unknownSession(_ id: String) -> GatewayRefusal {
        guard let cause = recentFailures.cause(of: id) else {
            return GatewayRefusal(.unknownSession, "There is no such session. It may have ended; make a new one.")
        }
        return GatewayRefusal(.unknownSession, "The session has failed: \(cause.explanation). Make a new one.")
    }
}
