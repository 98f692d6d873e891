import Media
import SDP

extension SessionOffer {
    /// Answers somebody who wants to publish.
    ///
    /// Each section that sends audio or video is taken, with the codecs that we carry in the publisher's order;
    /// the first is what browsers then send. Other sections are rejected, and so is audio without a known codec.
    ///
    /// - Throws: ``OfferError/noCommonCodec(offered:needed:)`` when video is offered that we cannot carry, or nothing
    ///   but audio that we cannot; ``OfferError/noMedia`` when nothing would be sent.
    package func ingestAnswer(local: LocalDescription) throws(OfferError) -> IngestAnswer {
        let builder = AnswerBuilder(offer: self, local: local)
        var accepted: [Int: MediaDescription] = [:]
        var tracks: [IngestTrack] = []
        var refused: [String] = []
        for index in bundle.sorted() where sections[index].direction.sends {
            let section = sections[index]
            guard let track = IngestTrack(section) else {
                // Going on without the picture would be worse than an error that the encoder shows.
                guard section.kind == .audio else {
                    throw .noCommonCodec(
                        offered: section.codecNames,
                        needed: Self.ingestCodecs(.video)
                    )
                }
                refused += section.codecNames
                continue
            }
            tracks.append(track)
            accepted[index] = Self.ingestSection(track, for: section, builder: builder)
        }
        guard !tracks.isEmpty else {
            if refused.isEmpty { throw .noMedia }
            throw .noCommonCodec(offered: refused, needed: Self.ingestCodecs(.audio))
        }
        return IngestAnswer(sdp: builder.answer(accepting: accepted), role: role, tracks: tracks)
    }

    private static func ingestCodecs(_ kind: MediaKind) -> [String] {
        Codec.allCases.filter { $0.kind == kind }.compactMap(\.rtpName)
    }

    private static func ingestSection(
        _ track: IngestTrack,
        for offered: OfferedSection,
        builder: AnswerBuilder
    ) -> MediaDescription {
        let formats = [track.selected] + track.alternatives
        let payloadTypes = formats.flatMap { [$0.payloadType] + ($0.rtxPayloadType.map { [$0] } ?? []) }
        var section = builder.section(for: offered, payloadTypes: payloadTypes, direction: .recvonly)
        let extensions: [(UInt8?, String)] = [
            (track.midExtension, HeaderExtensionURI.mid),
            (track.ridExtension, HeaderExtensionURI.streamID),
            (track.repairedRIDExtension, HeaderExtensionURI.repairedStreamID),
            (track.transportCCExtension, HeaderExtensionURI.transportCC),
            (track.absCaptureTimeExtension, HeaderExtensionURI.absoluteCaptureTime),
        ]
        for case (let id?, let uri) in extensions {
            section.attributes.append("extmap", HeaderExtensionMap(id: UInt16(id), uri: uri).value)
        }
        for format in formats {
            guard let source = offered.formats.first(where: { $0.payloadType == format.payloadType }) else { continue }
            section.attributes.appendFormat(
                source.map,
                feedback: format.feedback,
                parameters: source.ingestParameters,
                rtxPayloadType: format.rtxPayloadType
            )
        }
        for rid in track.rids { section.attributes.append("rid", RIDAttribute(id: rid, direction: .recv).value) }
        if !track.rids.isEmpty {
            let layers = SimulcastAttribute(receive: track.rids.map { [$0] })
            section.attributes.append("simulcast", layers.value)
        }
        return section
    }
}

extension IngestFormat {
    init(_ format: OfferedFormat, codec: Codec, hasTransportCC: Bool) {
        let isStereo = codec == .opus && format["sprop-stereo"] != "0"
        description = TrackDescription(
            codec: codec,
            channels: isStereo ? 2 : 1,
            formatParameters: format.parameters?.dictionary ?? [:]
        )
        payloadType = format.payloadType
        rtxPayloadType = format.rtxPayloadType
        supportsNACK = format.feedback.contains("nack")
        supportsPLI = format.feedback.contains("nack pli")
        supportsFIR = format.feedback.contains("ccm fir")
        // Feedback by transport-wide sequence numbers says nothing without the extension that carries them.
        supportsTransportCC = hasTransportCC && format.feedback.contains("transport-cc")
        supportsREMB = !supportsTransportCC && format.feedback.contains("goog-remb")
    }

    /// The feedback that the answer keeps, as `a=rtcp-fb` kinds.
    var feedback: [String] {
        [
            (supportsNACK, "nack"), (supportsPLI, "nack pli"), (supportsFIR, "ccm fir"),
            (supportsTransportCC, "transport-cc"), (supportsREMB, "goog-remb"),
        ].filter(\.0).map(\.1)
    }
}

extension IngestTrack {
    /// What RTP streams of one section we remember; offers have two for each simulcast layer.
    private static let maximumSSRCs = 32
    /// Simulcast layers that we take; browsers send three.
    private static let maximumRIDs = 8

    /// - Returns: `nil` when the section offers no codec that we carry.
    init?(_ section: OfferedSection) {
        let transportCC = section.extensionID(HeaderExtensionURI.transportCC)
        var carried = section.formats.filter { $0.codec?.kind == section.kind && $0.codec != nil }
        // Single NAL unit mode cannot fragment; it is taken only from a peer that has nothing else.
        let better = carried.filter { $0.codec != .h264 || $0.packetizationMode == "1" }
        if !better.isEmpty { carried = better }
        let formats = carried.compactMap { format in
            format.codec.map { IngestFormat(format, codec: $0, hasTransportCC: transportCC != nil) }
        }
        guard let first = formats.first else { return nil }
        mid = section.mid ?? ""
        selected = first
        alternatives = Array(formats.dropFirst())
        (ssrcs, rtxSSRCs) = Self.ssrcs(in: section.media.attributes)
        rids = Self.rids(in: section.media.attributes, payloadType: first.payloadType)

        midExtension = section.extensionID(HeaderExtensionURI.mid)
        ridExtension = section.extensionID(HeaderExtensionURI.streamID)
        repairedRIDExtension = section.extensionID(HeaderExtensionURI.repairedStreamID)
        let usesTransportCC = formats.contains(where: \.supportsTransportCC)
        transportCCExtension = usesTransportCC ? transportCC : nil
        absCaptureTimeExtension = section.extensionID(HeaderExtensionURI.absoluteCaptureTime)
        // Layers are told apart by this extension alone.
        if ridExtension == nil { rids = [] }
        if rids.isEmpty { ridExtension = nil; repairedRIDExtension = nil }
    }

    /// The streams that `a=ssrc` and `a=ssrc-group:FID` announce, media and retransmissions apart.
    private static func ssrcs(in attributes: SDPAttributes) -> (media: [UInt32], rtx: [UInt32]) {
        var media: [UInt32] = []
        var rtx: [UInt32] = []
        for value in attributes.all("ssrc-group") {
            guard let group = SSRCGroup(parsing: value), group.semantics == "FID", group.ssrcs.count == 2,
                media.count < maximumSSRCs
            else { continue }
            media.append(group.ssrcs[0])
            rtx.append(group.ssrcs[1])
        }
        for value in attributes.all("ssrc") {
            guard media.count < maximumSSRCs, let ssrc = SSRCAttribute(parsing: value)?.ssrc,
                !media.contains(ssrc), !rtx.contains(ssrc)
            else { continue }
            media.append(ssrc)
        }
        return (media, rtx)
    }

    /// The layers that `a=simulcast:send` lists and `a=rid` describes, for a payload type.
    private static func rids(in attributes: SDPAttributes, payloadType: UInt8) -> [String] {
        guard let simulcast = attributes.first("simulcast").flatMap(SimulcastAttribute.init(parsing:)) else {
            return []
        }
        var known: Set<String> = []
        for value in attributes.all("rid").prefix(64) {
            guard let rid = RIDAttribute(parsing: value), rid.direction == .send,
                rid.payloadTypes.isEmpty || rid.payloadTypes.contains(payloadType)
            else { continue }
            known.insert(rid.id)
        }
        var rids: [String] = []
        for layer in simulcast.send {
            // Of alternatives for one layer, the first that fits (RFC 8853 §5.2).
            guard let rid = layer.first(where: known.contains), rids.count < maximumRIDs else { continue }
            known.remove(rid)
            rids.append(rid)
        }
        return rids
    }
}

extension OfferedFormat {
    var map: RTPMap {
        RTPMap(payloadType: payloadType, encodingName: name, clockRate: clockRate, channels: channels)
    }

    /// `a=fmtp` of the answer to a publisher: what we agree to be sent.
    var ingestParameters: [FormatParameters.Parameter] {
        func echo(_ names: [String]) -> [FormatParameters.Parameter] {
            names.compactMap { name in self[name].map { FormatParameters.Parameter(name, $0) } }
        }
        switch codec {
        case .h264:
            return [
                FormatParameters.Parameter("level-asymmetry-allowed", "1"),
                FormatParameters.Parameter("packetization-mode", packetizationMode == "1" ? "1" : "0"),
            ] + echo(["profile-level-id"])
        case .h265: return echo(["profile-id", "tier-flag", "level-id", "tx-mode"])
        case .vp9: return echo(["profile-id"])
        case .av1: return echo(["profile", "level-idx", "tier"])
        case .opus:
            // `stereo` is what the receiver prefers (RFC 7587 §7): Chromium sends mono without it.
            let stereo = self["sprop-stereo"] == "0" ? [] : [FormatParameters.Parameter("stereo", "1")]
            return [FormatParameters.Parameter("minptime", "10"), FormatParameters.Parameter("useinbandfec", "1")]
                + stereo + echo(["sprop-stereo"])
        default: return []
        }
    }
}
