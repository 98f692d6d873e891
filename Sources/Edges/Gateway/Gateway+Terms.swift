import Logging
import MediaIO
import Primitives
import Telemetry

/// Sessions end when what they were let in with does.
extension Gateway {
    /// Holds a session to terms, for as long as it lives.
    func hold(_ session: String, to terms: SessionTerms) {
        if !terms.holdNothing { held[session] = HeldTerms(terms: terms) }
    }

    /// The same for a publisher of frames.
    func hold(_ ingest: FrameIngest, to terms: SessionTerms) {
        if !terms.holdNothing { heldIngests[ingest.stream] = (ingest, HeldTerms(terms: terms)) }
    }

    /// Ends what has expired or was revoked.
    func endWhatIsOver() {
        let now = WallClock.secondsSince1970()
        for (id, held) in held {
            guard let session = sessions[id] else {
                // An offer of ours that nobody has answered yet is no session.
                if !counterOffers.contains(id) { self.held[id] = nil }
                continue
            }
            if let failure = held.terms.end(at: now) { end(session, because: failure) }
        }
        for (name, held) in heldIngests {
            guard isCurrent(held.ingest) else {
                heldIngests[name] = nil
                continue
            }
            if let failure = held.held.terms.end(at: now) { end(held.ingest, because: failure) }
        }
    }

    /// Warns and then ends publishers that send more than they may.
    func limitBitrates() async {
        let isLimited =
            held.values.contains { $0.terms.maximumBitrate != nil }
            || heldIngests.values.contains { $0.held.terms.maximumBitrate != nil }
        guard isLimited else { return }
        var bitrates: [TrackID: Double] = [:]
        for track in await plane.report().lazy.flatMap(\.tracks) where track.isOwner {
            bitrates[track.id] = Double(track.bitsPerSecond)
        }
        for (name, stream) in streams {
            let sum = stream.tracks.flatMap(\.ids).reduce(0) { $0 + (bitrates[$1] ?? 0) }
            switch stream.publisher {
            case .session(let session, _):
                guard let verdict = held[session.id]?.note(bitsPerSecond: sum) else { continue }
                if verdict.warns { warn(.bitrateExceeded(held[session.id]?.terms.maximumBitrate ?? 0), stream: name) }
                if verdict.ends { end(session, because: .bitrateExceeded) }
            case .frames(let ingest, _, _):
                guard let verdict = heldIngests[name]?.held.note(bitsPerSecond: sum) else { continue }
                if verdict.warns {
                    warn(.bitrateExceeded(heldIngests[name]?.held.terms.maximumBitrate ?? 0), stream: name)
                }
                if verdict.ends { end(ingest, because: .bitrateExceeded) }
            case nil: continue
            }
        }
    }

    func end(_ session: Session, because failure: SessionFailure) {
        note(failure, of: session, detail: failure.explanation)
        plane.post(.removePeer(session.peer, .requested), to: session.worker)
        forget(session)
        held[session.id] = nil
    }

    private func end(_ ingest: FrameIngest, because failure: SessionFailure) {
        heldIngests[ingest.stream] = nil
        failures[failure.rawValue, default: 0] += 1
        publisherLeft(ingest.stream)
        ingest.end(.credential(failure.explanation))
    }

    /// Another gateway has the stream.
    func endSuperseded(_ ingest: FrameIngest) {
        heldIngests[ingest.stream] = nil
        failures[SessionFailure.superseded.rawValue, default: 0] += 1
        publisherLeft(ingest.stream)
        ingest.end(.superseded)
    }
}
