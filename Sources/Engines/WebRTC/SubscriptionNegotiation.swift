import DTLS
import ICE
package import Media
import SDP

/// The offers by which somebody is sent tracks that come and go, over one transport.
///
/// One offer is without an answer at any time; what changes meanwhile is in the next. A media section keeps its place for ever
/// (RFC 9429 §5.2.2), so one whose track has gone is offered inactive, and carries another track of the same kind once that has
/// been answered: no browser then takes the new one for the old.
package struct SubscriptionNegotiation<Key: Hashable & Sendable>: Sendable {
    /// What is to be sent.
    package struct Track: Sendable {
        package var key: Key
        package var description: TrackDescription
        /// The stream's and the track's names, which the client sees (RFC 8830): each without spaces, one between them.
        package var name: String

        package init(key: Key, description: TrackDescription, name: String) {
            self.key = key
            self.description = description
            self.name = name
        }
    }

    /// An offer, and what its sections carry.
    package struct Offer: Sendable {
        package var number: UInt64
        package var sdp: String
        package var sections: [(mid: String, key: Key)]
    }

    /// What an answer takes.
    package struct Answer: Sendable {
        package var transport: CounterAnswer
        package var senders: [(key: Key, sender: PlaybackSender)]
    }

    private struct Slot {
        var section: CounterOffer.Section
        var track: Track?
        /// It was inactive in an offer that has been answered.
        var isFree = false
    }

    /// Sections of an offer at most; beyond that tracks wait until others go.
    package static var maximumSections: Int { 64 }

    private var slots: [Slot] = []
    private var formats: [ClientFormat] = []
    private var payloadTypes = PayloadTypeSequence()
    private var numbers: SSRCSequence
    private var number: UInt64 = 0
    /// Whether the last offer waits for its answer.
    package private(set) var isPending = false

    package init(firstSSRC: UInt32) {
        numbers = SSRCSequence(first: firstSSRC)
    }

    /// Whether there is something to offer that has not been offered.
    package func needsOffer(for tracks: [Track]) -> Bool {
        let wanted = Dictionary(tracks.map { ($0.key, $0) }) { first, _ in first }
        for slot in slots {
            if let track = slot.track, !Self.goesOn(track, as: wanted[track.key]) { return true }
        }
        return tracks.contains { track in
            !slots.contains { $0.track?.key == track.key } && canPlace(track)
        }
    }

    /// Offers these tracks and no others.
    ///
    /// - Parameters:
    ///   - tracks: What is to be sent; what there is no room for is left out.
    ///   - local: The gateway's half of the negotiation, with the same numbers each time.
    /// - Returns: The offer, whose answer is read by ``read(answer:)``.
    package mutating func offer(_ tracks: [Track], local: LocalDescription) -> Offer {
        let wanted = Dictionary(tracks.map { ($0.key, $0) }) { first, _ in first }
        for index in slots.indices {
            if let track = slots[index].track, !Self.goesOn(track, as: wanted[track.key]) { slots[index].track = nil }
        }
        for track in tracks where !slots.contains(where: { $0.track?.key == track.key }) { place(track) }
        number += 1
        isPending = true
        var description = SessionDescription(
            origin: SDPOrigin(sessionID: String(local.sessionID), sessionVersion: String(number)))
        description.attributes.append("ice-lite")
        description.attributes.append(
            "group", MediaGroup(semantics: "BUNDLE", mids: slots.map(\.section.mid)).value)
        for slot in slots {
            var media = slot.section.media(local: local, name: slot.track?.name)
            if description.media.isEmpty {
                for candidate in local.candidateValues { media.attributes.append("candidate", candidate) }
                media.attributes.append("end-of-candidates")
            }
            description.media.append(media)
        }
        return Offer(
            number: number, sdp: description.text,
            sections: slots.compactMap { slot in slot.track.map { (slot.section.mid, $0.key) } })
    }

    /// Reads the answer to the last offer; one that is wrong leaves the offer as it was.
    ///
    /// - Parameter text: SDP with LF or CRLF line ends.
    /// - Returns: How to reach the client, and what to send to it.
    /// - Throws: ``OfferError/malformed(_:)`` for what is not SDP, ``OfferError/mismatched(_:)`` for what answers another
    ///   offer, and what is wrong with a transport.
    package mutating func read(answer text: [UInt8]) throws(OfferError) -> Answer {
        let description: SessionDescription
        do {
            description = try SessionDescription(parsing: text)
        } catch {
            throw .malformed(error.detail)
        }
        guard isPending, description.media.count == slots.count, !slots.isEmpty else {
            throw .mismatched("it has another number of media sections")
        }
        var senders: [(key: Key, sender: PlaybackSender)] = []
        for (index, slot) in slots.enumerated() {
            let answered = try OfferedSection(description.media[index], session: description)
            guard answered.kind == slot.section.description.kind, answered.mid ?? slot.section.mid == slot.section.mid
            else { throw .mismatched("its media sections have another order") }
            guard let track = slot.track, let sender = slot.section.sender(answered, at: index) else { continue }
            senders.append((track.key, sender))
        }
        guard description.media[0].attributes.contains("rtcp-mux") else { throw .noRTCPMultiplexing }
        guard !description.attributes.contains("ice-lite") else { throw .iceLite }
        let transport = try RemoteTransport(description, mediaSection: 0)
        let setup = transport.setup ?? .active
        guard setup != .actpass else { throw .mismatched("it does not decide a=setup") }
        var settled = senders.map(\.sender)
        SessionOffer.settleTransportCC(&settled, kinds: settled.map { slots[$0.section].section.description.kind })
        for index in slots.indices where slots[index].track == nil { slots[index].isFree = true }
        isPending = false
        return Answer(
            transport: CounterAnswer(
                credentials: transport.credentials, fingerprints: transport.fingerprints,
                role: setup == .active ? .server : .client, senders: settled),
            senders: zip(senders, settled).map { ($0.key, $1) })
    }

    // MARK: Places

    private static func goesOn(_ old: Track, as new: Track?) -> Bool {
        new.map { $0.description.codec == old.description.codec && $0.name == old.name } ?? false
    }

    private func freeSlot(for track: Track) -> Int? {
        slots.firstIndex { $0.isFree && $0.section.description.kind == track.description.kind }
    }

    private func canPlace(_ track: Track) -> Bool {
        var payloadTypes = payloadTypes
        return (freeSlot(for: track) != nil || slots.count < Self.maximumSections)
            && (formats.contains { $0.description == track.description }
                || payloadTypes.format(for: track.description) != nil)
    }

    private mutating func place(_ track: Track) {
        guard canPlace(track), let format = format(for: track.description) else { return }
        let free = freeSlot(for: track)
        let section = CounterOffer.Section(
            mid: free.map { slots[$0].section.mid } ?? String(slots.count), trackIndex: free ?? slots.count,
            format: format, ssrc: numbers.next(), rtxSSRC: format.rtxPayloadType == nil ? nil : numbers.next())
        if let free {
            slots[free] = Slot(section: section, track: track)
        } else {
            slots.append(Slot(section: section, track: track))
        }
    }

    /// One payload type means the same in all sections of a bundle (RFC 9143 §9.1).
    private mutating func format(for description: TrackDescription) -> ClientFormat? {
        if let known = formats.first(where: { $0.description == description }) { return known }
        guard let plain = payloadTypes.format(for: description) else { return nil }
        let format = payloadTypes.withRedundancy(plain)
        formats.append(format)
        return format
    }
}
