package import Media
import RTP
import SDP

/// A track as another gateway is offered it: the whole of it, or one simulcast layer.
package struct LinkedTrack: Equatable, Sendable {
    package var description: TrackDescription
    /// What it is a layer of; `nil` for a track without simulcast.
    package var layer: LinkedLayer?

    package init(description: TrackDescription, layer: LinkedLayer? = nil) {
        self.description = description
        self.layer = layer
    }
}

/// Which layer of which picture a media section of a node link carries: `a=martlet-layer:{picture} {name}`.
package struct LinkedLayer: Equatable, Sendable {
    /// Counts the offer's tracks; layers of one picture have one number.
    package var picture: Int
    /// The publisher's name for the layer, 1 to 64 printable characters without spaces.
    package var name: String

    package init(picture: Int, name: String) {
        self.picture = picture
        self.name = name
    }

    static let attribute = "martlet-layer"
    private static let maximumPicture = 255

    /// - Returns: `nil` when the value is not of this form.
    init?(parsing value: String) {
        let parts = value.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, let picture = Int(parts[0]), (0...Self.maximumPicture).contains(picture),
            (1...64).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        self.init(picture: picture, name: String(parts[1]))
    }

    var value: String { "\(picture) \(name)" }
}

extension CounterOffer {
    /// Tracks and layers of one node link at most: with retransmissions they are 16 RTP streams.
    package static let maximumLinkedTracks = 8

    /// Offers another gateway all of a stream: every track, and of a picture with simulcast every layer.
    ///
    /// Sound is sent again like pictures, on a stream of its own, so that its packets may carry capture times.
    /// The other gateway makes the connectivity checks and begins the handshake. There is no feedback for congestion
    /// control: a link carries everything or is too narrow for the stream.
    ///
    /// - Parameters:
    ///   - tracks: What the stream has; those beyond ``maximumLinkedTracks`` are left out.
    ///   - local: The gateway's half of the negotiation.
    /// - Throws: ``OfferError/noMedia`` when nothing is left to offer.
    package init(linking tracks: [LinkedTrack], local: LocalDescription) throws(OfferError) {
        var payloadTypes = PayloadTypeSequence()
        var numbers = SSRCSequence(first: local.firstSSRC)
        var sections: [Section] = []
        var media: [MediaDescription] = []
        for (index, track) in tracks.prefix(Self.maximumLinkedTracks).enumerated() {
            guard let plain = payloadTypes.format(for: track.description) else { continue }
            let format = payloadTypes.withRetransmissions(plain)
            let section = Section(
                mid: String(sections.count),
                trackIndex: index,
                format: payloadTypes.withRedundancy(format),
                ssrc: numbers.next(),
                rtxSSRC: format.rtxPayloadType == nil ? nil : numbers.next(),
                isLinked: true
            )
            sections.append(section)
            media.append(section.linkedMedia(layer: track.layer, local: local))
        }
        guard !sections.isEmpty else { throw .noMedia }
        self.sections = sections
        var description = Self.description(media, of: sections, local: local)
        description.attributes.append("extmap-allow-mixed")
        sdp = description.text
    }
}

extension CounterOffer.Section {
    fileprivate func linkedMedia(layer: LinkedLayer?, local: LocalDescription) -> MediaDescription {
        let isAV1 = description.codec == .av1
        var media = media(
            local: local,
            setup: .passive,
            extensions: [
                (CounterOffer.captureTimeExtension, .absoluteCaptureTime),
                (isAV1 ? CounterOffer.dependencyDescriptorExtension : nil, .dependencyDescriptor),
            ],
            feedback: description.kind == .video ? ["nack", "nack pli", "ccm fir"] : ["nack"],
            name: plainName
        )
        if let layer { media.attributes.append(LinkedLayer.attribute, layer.value) }
        return media
    }
}

extension SessionOffer {
    /// Which media sections of a node link carry layers, by their identification tags.
    package var linkedLayers: [String: LinkedLayer] {
        var layers: [String: LinkedLayer] = [:]
        for section in sections {
            guard let mid = section.mid else { continue }
            layers[mid] = section.media.attributes.first(LinkedLayer.attribute).flatMap(LinkedLayer.init(parsing:))
        }
        return layers
    }
}
