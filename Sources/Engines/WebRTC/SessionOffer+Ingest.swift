package import Media
import RTP
import SDP

extension SessionOffer {
    /// Answers somebody who wants to publish.
    ///
    /// Each section that sends audio or video is taken, with the codecs that we carry in the publisher's order;
    /// the first is what browsers then send. Other sections are rejected, and so is audio without a known codec.
    ///
    /// - Parameters:
    ///   - local: The gateway's half of the negotiation.
    ///   - preferred: A video codec to put first where it is offered, whatever the publisher's order. A publisher of
    ///     several codecs then sends it, browsers always and pion where its track has that codec.
    ///   - transportCC: Whether to agree to transport-wide congestion feedback where it is offered; REMB otherwise.
    ///   - keepingSilent: Whether sections that send nothing stay, so that they can send later; they are rejected otherwise,
    ///     which takes a bundle's transport along where the first section is one of them.
    /// - Returns: The answer and what will come in.
    /// - Throws: ``OfferError/noCommonCodec(offered:needed:)`` when video is offered that we cannot carry, or nothing
    ///   but audio that we cannot; ``OfferError/noMedia`` when nothing would be sent.
    package func ingestAnswer(
        local: LocalDescription,
        preferring preferred: Codec? = nil,
        transportCC: Bool = true,
        keepingSilent: Bool = false
    ) throws(OfferError) -> IngestAnswer {
        let builder = AnswerBuilder(offer: self, local: local)
        var accepted: [Int: MediaDescription] = [:]
        var tracks: [IngestTrack] = []
        var refused: [String] = []
        for index in bundle.sorted() where sections[index].direction.sends {
            let section = sections[index]
            guard let track = IngestTrack(section, preferring: preferred, transportCC: transportCC) else {
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
        if keepingSilent {
            for index in bundle where accepted[index] == nil {
                accepted[index] = Self.silentSection(for: sections[index], builder: builder)
            }
        }
        guard !tracks.isEmpty else {
            if refused.isEmpty { throw .noMedia }
            throw .noCommonCodec(offered: refused, needed: Self.ingestCodecs(.audio))
        }
        return IngestAnswer(
            sdp: builder.answer(accepting: accepted), role: role, tracks: tracks,
            declaredBitrate: declaredBitrate(of: tracks))
    }

    /// Where it is known which sections a figure is about, that of all of them says nothing more.
    private func declaredBitrate(of tracks: [IngestTrack]) -> Int? {
        guard tracks.allSatisfy({ $0.declaredBitrate == nil }), sections.allSatisfy({ $0.direction == .sendonly })
        else { return nil }
        return bandwidth?.bitsPerSecond
    }

    /// A section that carries nothing for the time being; `nil` where no format of it is known.
    private static func silentSection(for offered: OfferedSection, builder: AnswerBuilder) -> MediaDescription? {
        guard let format = offered.formats.first(where: { $0.codec != nil }) else { return nil }
        var section = builder.section(for: offered, payloadTypes: [format.payloadType], direction: .inactive)
        section.attributes.appendFormat(
            format.map, feedback: [], parameters: format.ingestParameters, rtxPayloadType: nil)
        return section
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
        let payloadTypes = formats.flatMap(\.payloadTypes)
        var section = builder.section(for: offered, payloadTypes: payloadTypes, direction: .recvonly)
        section.attributes.appendExtensions([
            (track.midExtension, .mid), (track.ridExtension, .rid), (track.repairedRIDExtension, .repairedRID),
            (track.transportCCExtension, .transportSequenceNumber),
            (track.absCaptureTimeExtension, .absoluteCaptureTime),
            (track.dependencyDescriptorExtension, .dependencyDescriptor),
        ])
        for format in formats {
            guard let source = offered.formats.first(where: { $0.payloadType == format.payloadType }) else { continue }
            section.attributes.appendFormat(
                source.map,
                feedback: format.feedback,
                parameters: source.ingestParameters,
                rtxPayloadType: format.rtxPayloadType
            )
            section.attributes.appendRedundancy(format.redPayloadType, of: source.map)
        }
        for rid in track.rids { section.attributes.append("rid", RIDAttribute(id: rid, direction: .recv).value) }
        if !track.rids.isEmpty {
            let layers = SimulcastAttribute(receive: track.rids.map { [$0] })
            section.attributes.append("simulcast", layers.value)
        }
        return section
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
