package import Media
import RTP
import SDP

extension SessionOffer {
    /// The `msid` stream of all our tracks: browsers play tracks of one stream in step.
    static let streamID = "martlet"

    /// Answers somebody who wants to watch.
    ///
    /// Sections are taken in the order of the offer, and each gets the first track of its kind that fits and is not
    /// sent yet. Sections that no track is left for are rejected.
    ///
    /// - Parameters:
    ///   - tracks: What the stream has.
    ///   - local: The gateway's half of the negotiation.
    /// - Returns: The answer and what to send under which numbers.
    /// - Throws: ``OfferError/noCommonCodec(offered:needed:)`` when the viewer asks for video and can play none of the
    ///   stream's, or asks for audio alone and cannot play it; ``OfferError/noMedia`` when nothing would be sent.
    package func playbackAnswer(
        tracks: [TrackDescription],
        local: LocalDescription
    ) throws(OfferError) -> PlaybackAnswer {
        let builder = AnswerBuilder(offer: self, local: local)
        var numbers = SSRCSequence(first: local.firstSSRC)
        var matches: [(section: Int, format: OfferedFormat)] = []
        var senders: [PlaybackSender] = []
        var unmatched: [OfferedSection] = []
        for index in bundle.sorted() where sections[index].direction.receives {
            let section = sections[index]
            let taken = Set(senders.map(\.trackIndex))
            guard let match = Self.match(section, with: tracks, excluding: taken) else {
                unmatched.append(section)
                continue
            }
            var sender = PlaybackSender(match, section: section, at: index, numbers: &numbers)
            let mixesForms = allowsMixedExtensions || section.media.attributes.contains("extmap-allow-mixed")
            if mixesForms, tracks[match.trackIndex].codec == .av1 {
                sender.dependencyDescriptorExtension = section.receivedExtensionID(.dependencyDescriptor)
            }
            senders.append(sender)
            matches.append((index, match.format))
        }
        Self.settleTransportCC(&senders, kinds: senders.map { tracks[$0.trackIndex].kind })
        for kind in [MediaKind.video, .audio] {
            // Sound without its picture is not what a viewer came for; a picture without its sound may be.
            if kind == .audio, !senders.isEmpty { continue }
            let needed = tracks.filter { $0.kind == kind }.map(\.codecName)
            let offered = unmatched.filter { $0.kind == kind }
            let isSent = senders.contains { tracks[$0.trackIndex].kind == kind }
            guard !isSent, !needed.isEmpty, !offered.isEmpty else { continue }
            throw .noCommonCodec(offered: offered.flatMap(\.codecNames), needed: needed)
        }
        guard !senders.isEmpty else { throw .noMedia }
        var accepted: [Int: MediaDescription] = [:]
        for (sender, match) in zip(senders, matches) {
            accepted[match.section] = Self.playbackSection(
                sender,
                track: tracks[sender.trackIndex],
                format: match.format,
                for: sections[match.section],
                builder: builder
            )
        }
        return PlaybackAnswer(sdp: builder.answer(accepting: accepted), role: role, senders: senders)
    }

    /// Transport-wide feedback is for all packets of the transport: without the picture's it would mislead.
    ///
    /// - Parameters:
    ///   - senders: What is sent over one transport.
    ///   - kinds: What each of them sends.
    static func settleTransportCC(_ senders: inout [PlaybackSender], kinds: [MediaKind]) {
        let isComplete = zip(senders, kinds).allSatisfy { $1 == .audio || $0.transportCCExtension != nil }
        guard !isComplete else { return }
        for index in senders.indices { senders[index].transportCCExtension = nil }
    }

    struct Match {
        var trackIndex: Int
        var format: OfferedFormat
    }

    private static func match(
        _ section: OfferedSection,
        with tracks: [TrackDescription],
        excluding taken: Set<Int>
    ) -> Match? {
        for (index, track) in tracks.enumerated() where track.kind == section.kind && !taken.contains(index) {
            let ranked = section.formats.compactMap { format in format.rank(for: track).map { ($0, format) } }
            // `min` keeps the first of equals, which is the viewer's preference.
            if let best = ranked.min(by: { $0.0 < $1.0 }) { return Match(trackIndex: index, format: best.1) }
        }
        return nil
    }

    private static func playbackSection(
        _ sender: PlaybackSender,
        track: TrackDescription,
        format: OfferedFormat,
        for offered: OfferedSection,
        builder: AnswerBuilder
    ) -> MediaDescription {
        let payloadTypes = [sender.payloadType, sender.rtxPayloadType, sender.redPayloadType].compactMap(\.self)
        var section = builder.section(for: offered, payloadTypes: payloadTypes, direction: .sendonly)
        section.attributes.appendExtensions([
            (sender.transportCCExtension, .transportSequenceNumber), (sender.playoutDelayExtension, .playoutDelay),
            (sender.captureTimeExtension, .absoluteCaptureTime),
            (sender.dependencyDescriptorExtension, .dependencyDescriptor),
        ])
        section.attributes.appendFormat(
            format.map,
            feedback: sender.feedback,
            parameters: format.playbackParameters(for: track),
            rtxPayloadType: sender.rtxPayloadType
        )
        section.attributes.appendRedundancy(sender.redPayloadType, of: format.map)
        section.attributes.appendStream(
            ssrc: sender.ssrc,
            rtxSSRC: sender.rtxSSRC,
            canonicalName: builder.local.canonicalName,
            msid: "\(streamID) \(track.kind.rawValue)\(sender.trackIndex)"
        )
        return section
    }
}

extension PlaybackSender {
    init(_ match: SessionOffer.Match, section: OfferedSection, at index: Int, numbers: inout SSRCSequence) {
        mid = section.mid ?? ""
        self.section = index
        trackIndex = match.trackIndex
        payloadType = match.format.payloadType
        rtxPayloadType = match.format.rtxPayloadType
        ssrc = numbers.next()
        rtxSSRC = rtxPayloadType == nil ? nil : numbers.next()
        let feedback = match.format.feedback
        supportsNACK = feedback.contains("nack")
        supportsPLI = feedback.contains("nack pli")
        supportsFIR = feedback.contains("ccm fir")
        playoutDelayExtension = section.kind == .video ? section.receivedExtensionID(.playoutDelay) : nil
        redPayloadType =
            rtxSSRC != nil || !supportsNACK ? section.redundantFormat(of: payloadType)?.payloadType : nil
        captureTimeExtension =
            rtxSSRC != nil || !supportsNACK ? section.receivedExtensionID(.absoluteCaptureTime) : nil
        transportCCExtension = nil
        if feedback.contains("transport-cc"), let id = section.receivedExtensionID(.transportSequenceNumber),
            rtxSSRC != nil || !supportsNACK
        {
            transportCCExtension = id
        }
        // Of the two the one that says more.
        supportsREMB = transportCCExtension == nil && feedback.contains("goog-remb")
    }
}

/// Consecutive SSRCs, passing over 0, which some stacks take for "unknown".
struct SSRCSequence {
    private var upcoming: UInt32

    init(first: UInt32) {
        upcoming = first
    }

    mutating func next() -> UInt32 {
        if upcoming == 0 { upcoming = 1 }
        defer { upcoming &+= 1 }
        return upcoming
    }
}
