import Media

/// What is answered to a request.
package enum PresentationAnswer: Sendable {
    case playlist(String)
    /// Media in pieces that belong one behind the other; it never changes.
    case media([[UInt8]])
    /// Not there yet, but soon: ask again when ``Presentation/version`` has grown.
    case wait
    /// Asks for what is too far ahead (RFC 8216bis §6.2.5.2).
    case tooFarAhead
    case notFound
}

/// Requests.
extension Presentation {
    /// Segments that a client may ask for ahead of the newest one in the playlist.
    static let greatestLead = 2

    /// Answers from what is in memory.
    ///
    /// - Parameters:
    ///   - name: What is asked for.
    ///   - directives: Of a media playlist; others ignore them.
    /// - Returns: The answer, as of now.
    package func answer(_ name: ResourceName, directives: PlaylistDirectives = .init()) -> PresentationAnswer {
        switch name {
        case .multivariant:
            guard isReady else { return isClosed ? .notFound : .wait }
            return awaitsRungs ? .wait : .playlist(multivariantPlaylist())
        case .media(let name):
            guard isReady else { return isClosed ? .notFound : .wait }
            if let rung = rungs.first(where: { $0.name == name }), !rung.isReady {
                return isClosed ? .notFound : .wait
            }
            guard let rendition = rendition(name) else { return .notFound }
            return answerPlaylist(rendition, directives)
        case .map(let name, let epoch, let number):
            let map = rendition(name)?.maps.first { $0.epoch == epoch && $0.number == number }
            return map.map { .media([$0.bytes]) } ?? .notFound
        case .segment(let name, let epoch, let number):
            guard let rendition = rendition(name) else { return .notFound }
            let segment = rendition.segment(epoch: epoch, number: number)
            if segment == nil, rendition.current.number == number, rendition.current.epoch == epoch, !isClosed {
                return .wait
            }
            guard let segment, !segment.isGap else { return .notFound }
            return .media(segment.parts.map(\.bytes))
        case .part(let name, let epoch, let number, let index):
            guard let rendition = rendition(name) else { return .notFound }
            let isCurrent = rendition.current.number == number && rendition.current.epoch == epoch
            let segment = isCurrent ? rendition.current : rendition.segment(epoch: epoch, number: number)
            guard let segment else { return .notFound }
            if segment.parts.indices.contains(index) { return .media([segment.parts[index].bytes]) }
            // Only the part that is hinted at is worth waiting for.
            return isCurrent && index == segment.parts.count && leader != nil ? .wait : .notFound
        }
    }

    private func answerPlaylist(_ rendition: Rendition, _ directives: PlaylistDirectives) -> PresentationAnswer {
        let (current, parts) = rendition.nextPart
        if !isClosed, let segment = directives.segment {
            // The newest segment in the playlist is the one in the making, once it has a part.
            let newest = parts > 0 ? current : current - 1
            guard segment <= newest + Self.greatestLead else { return .tooFarAhead }
            if let part = directives.part {
                if segment == current, part >= parts + advancePartLimit { return .tooFarAhead }
                if segment > current || (segment == current && part >= parts) { return .wait }
                // A part behind the last of a segment is the first of the next.
                if segment == current - 1, let last = rendition.segments.last, part >= last.parts.count, parts == 0,
                    !last.isGap
                {
                    return .wait
                }
            } else if segment >= current {
                return .wait
            }
        }
        return .playlist(mediaPlaylist(rendition, skips: directives.skips))
    }

    /// The Advance Part Limit (§6.2.5.2).
    private var advancePartLimit: Int { partTarget < 1 ? Int((3 / partTarget).rounded(.up)) : 3 }

    /// Whether what was just answered for the address without directives is still the newest.
    package var playlistTag: String { "\(currentNumber)-\(version)" }
}

extension Rendition {
    /// A complete segment that is listed, or was.
    func segment(epoch: UInt64, number: Int) -> PresentationSegment? {
        func find(_ segments: [PresentationSegment]) -> PresentationSegment? {
            guard let first = segments.first, number >= first.number, number - first.number < segments.count else {
                return nil
            }
            let segment = segments[number - first.number]
            return segment.number == number && segment.epoch == epoch ? segment : nil
        }
        return find(segments) ?? find(retired)
    }
}
