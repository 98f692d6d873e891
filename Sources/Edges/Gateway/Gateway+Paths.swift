import ICE
import Logging
import MediaIO
package import Primitives
import Telemetry
import WebRTC

/// What clients send after their offers: candidates, and new credentials when their network has changed.
extension Gateway {
    /// Takes trickled candidates (RFC 8840), or restarts ICE (RFC 9725 §4.3.3).
    ///
    /// An ICE-lite gateway learns addresses from the checks themselves, so candidates are read, checked and forgotten.
    /// Credentials that are neither the offer's nor those of the latest restart ask for a restart.
    ///
    /// - Returns: Our side of a restart; `nil` for candidates alone.
    package func change(
        session id: String,
        stream: StreamName,
        kind: SessionKind,
        fragment: [UInt8]
    ) async throws(GatewayRefusal) -> SessionRestart? {
        guard let session = session(id, stream: stream, kind: kind) else { throw unknownSession(id) }
        let trickled: TrickleFragment
        do throws(OfferError) {
            trickled = try TrickleFragment(parsing: fragment)
        } catch {
            throw GatewayRefusal(
                .malformedFragment,
                "The body is not a trickle ICE fragment (application/trickle-ice-sdpfrag): \(error.detail)"
            )
        }
        guard let remote = trickled.credentials, !session.remotes.contains(remote) else { return nil }
        return restart(session, as: trickled, remote: remote)
    }

    /// Gives a session new credentials; the old ones stay valid until the client has used the new ones.
    private func restart(
        _ session: Session,
        as fragment: TrickleFragment,
        remote: ICECredentials
    ) -> SessionRestart {
        let local = plane.makeCredentials(worker: session.worker)
        plane.post(.restartICE(session.peer, local: local, remote: remote), to: session.worker)
        let tag = "\"\(RandomID.make())\""
        sessions[session.id]?.entityTag = tag
        // The client may still come back to the credentials of before, but not to those of two restarts ago.
        sessions[session.id]?.remotes = session.remotes.suffix(1) + [remote]
        logger.debug(
            "ICE restart",
            metadata: [LogKeys.stream: "\(session.stream)", LogKeys.sessionKind: "\(session.kind.rawValue)"]
        )
        return SessionRestart(
            fragment: fragment.restartAnswer(
                local: local, candidates: plane.candidates, acceptsTCP: plane.acceptsTCP),
            entityTag: tag
        )
    }
}
