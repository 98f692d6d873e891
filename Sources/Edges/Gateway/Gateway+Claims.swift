import MediaIO
package import Nodes
import Primitives

/// Streams that several gateways could publish, and do not.
extension Gateway {
    /// Lets a publisher in, here and among the gateways.
    ///
    /// - Returns: The epoch of its claim; 0 where there is no other gateway.
    /// - Throws: A refusal when somebody else may keep the stream.
    func claim(_ name: StreamName, for identity: PublisherIdentity) async throws(GatewayRefusal) -> UInt64 {
        try await makeWay(for: identity, on: name)
        guard let directory else { return 0 }
        let request = ClaimRequest(
            stream: name, holder: identity.holder, takeover: policy.takeover.claims, epoch: streams[name]?.epoch ?? 0)
        switch await directory.claim(request) {
        case .held:
            throw GatewayRefusal(
                .alreadyPublishing,
                "\"\(name)\" is being published on another gateway. Stop that publisher, use another name, or publish with "
                    + "the same credential to take the stream over.",
                retryAfter: .seconds(2))
        case .granted(let epoch):
            // Somebody may have come here while the others were asked.
            try await makeWay(for: identity, on: name)
            return epoch
        }
    }

    /// The streams that are claimed and published here.
    ///
    /// - Parameter asksForSilence: Whether to look if anything comes of the publishers, which takes a moment.
    /// - Returns: One entry for each, in no order.
    package func heldStreams(asksForSilence: Bool) async -> [HeldStream] {
        let reports = asksForSilence && streams.values.contains(where: { $0.epoch > 0 }) ? await plane.report() : nil
        return streams.values.compactMap { stream in
            guard stream.epoch > 0, let identity = stream.publisher?.identity else { return nil }
            return HeldStream(
                stream: stream.name, epoch: stream.epoch, holder: identity.holder,
                isSilent: reports.map { isSilent(stream, reports: $0) } ?? false)
        }
    }

    /// Takes in what became of a claim that was renewed.
    package func settle(_ held: HeldStream, _ answer: ClaimAnswer) {
        // Whoever has come since has asked for itself.
        guard streams[held.stream]?.epoch == held.epoch, let publisher = streams[held.stream]?.publisher else { return }
        switch (answer, publisher) {
        case (.granted(let epoch), _): streams[held.stream]?.epoch = epoch
        case (.held, .session(let session, _)): end(session, because: .superseded)
        case (.held, .frames(let ingest, _, _)): endSuperseded(ingest)
        }
    }
}

extension PublisherIdentity {
    /// The same for gateways that are to compare it.
    var holder: String {
        switch self {
        case .loopback: "loopback"
        case .anonymous: "anonymous"
        case .credential(let digest): "credential:\(digest)"
        case .node: "node"
        }
    }
}

extension TakeoverPolicy {
    fileprivate var claims: ClaimRequest.Takeover {
        switch self {
        case .auto: .auto
        case .replace: .replace
        case .reject: .reject
        }
    }
}
