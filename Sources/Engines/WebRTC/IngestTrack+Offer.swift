import Media
import RTP
import SDP

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

    /// The same with the redundant form that the section offers for it.
    func withRedundancy(from section: OfferedSection) -> IngestFormat {
        guard let red = section.redundantFormat(of: payloadType) else { return self }
        var format = self
        format.redPayloadType = red.payloadType
        let order = section.formats.map(\.payloadType)
        format.prefersRED = order.firstIndex(of: red.payloadType) ?? 0 < order.firstIndex(of: payloadType) ?? 0
        return format
    }

    /// Its payload types in the order in which the answer lists them.
    var payloadTypes: [UInt8] {
        let all =
            prefersRED ? [redPayloadType, payloadType, rtxPayloadType] : [payloadType, rtxPayloadType, redPayloadType]
        return all.compactMap(\.self)
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
    init?(_ section: OfferedSection, preferring preferred: Codec?, transportCC isWanted: Bool) {
        let transportCC = !isWanted ? nil : section.extensionID(.transportSequenceNumber)
        var carried = section.formats.filter { $0.codec?.kind == section.kind && $0.codec != nil }
        // Single NAL unit mode cannot fragment; it is taken only from a peer that has nothing else.
        let better = carried.filter { $0.codec != .h264 || $0.packetizationMode == "1" }
        if !better.isEmpty { carried = better }
        carried = carried.filter { $0.codec == preferred } + carried.filter { $0.codec != preferred }
        let formats = carried.compactMap { format in
            format.codec.map { IngestFormat(format, codec: $0, hasTransportCC: transportCC != nil) }
        }
        .map { $0.withRedundancy(from: section) }
        guard let first = formats.first else { return nil }
        mid = section.mid ?? ""
        selected = first
        alternatives = Array(formats.dropFirst())
        (ssrcs, rtxSSRCs) = Self.ssrcs(in: section.media.attributes)
        rids = Self.rids(in: section.media.attributes, payloadType: first.payloadType)
        // What a section that also receives names is what it wants to receive (RFC 3264 §5.1).
        if section.direction == .sendonly { declaredBitrate = section.media.bandwidth?.bitsPerSecond }

        midExtension = section.extensionID(.mid)
        ridExtension = section.extensionID(.rid)
        repairedRIDExtension = section.extensionID(.repairedRID)
        let usesTransportCC = formats.contains(where: \.supportsTransportCC)
        transportCCExtension = usesTransportCC ? transportCC : nil
        absCaptureTimeExtension = section.extensionID(.absoluteCaptureTime)
        let isAV1 = first.description.codec == .av1
        dependencyDescriptorExtension = isAV1 ? section.extensionID(.dependencyDescriptor) : nil
        // Layers are told apart by this extension alone.
        if ridExtension == nil { rids = [] }
        if rids.isEmpty { ridExtension = nil; repairedRIDExtension = nil }
    }

    /// The streams that `a=ssrc` and `a=ssrc-group:FID` announce, media and retransmissions apart.
    static func ssrcs(in attributes: SDPAttributes) -> (media: [UInt32], rtx: [UInt32]) {
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
