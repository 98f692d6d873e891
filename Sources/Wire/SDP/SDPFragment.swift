/// A piece of SDP that carries ICE candidates after the offer (RFC 8840 §9, as RFC 9725 §4.3 uses it).
package struct SDPFragment: Hashable, Sendable {
    /// The part that belongs to one media section.
    package struct Section: Hashable, Sendable {
        /// `nil` where the peer left `a=mid` out.
        package var mid: String?
        package var attributes: SDPAttributes

        package init(mid: String? = nil, attributes: SDPAttributes = SDPAttributes()) {
            self.mid = mid
            self.attributes = attributes
        }
    }

    /// What stands before the first `m=` line or `a=mid`.
    package var attributes: SDPAttributes
    package var sections: [Section]

    package init(attributes: SDPAttributes = SDPAttributes(), sections: [Section] = []) {
        self.attributes = attributes
        self.sections = sections
    }

    /// Reads a fragment, with LF or CRLF line ends.
    ///
    /// Only `a=` and `m=` lines count; an `a=mid` without its pseudo `m=` line opens a section as well.
    package init(parsing text: [UInt8]) throws(SDPError) {
        self.init()
        for line in try SDPLine.split(text.span) {
            switch line.letter {
            case UInt8(ascii: "m"):
                try open(Section())
            case UInt8(ascii: "a"):
                let attribute = SDPAttribute(parsing: line.value)
                if attribute.name == "mid", let mid = attribute.value {
                    if let last = sections.indices.last, sections[last].mid == nil {
                        sections[last].mid = mid
                    } else {
                        try open(Section(mid: mid))
                    }
                } else if let last = sections.indices.last {
                    sections[last].attributes.elements.append(attribute)
                } else {
                    attributes.elements.append(attribute)
                }
            default:
                break
            }
        }
    }

    private mutating func open(_ section: Section) throws(SDPError) {
        guard sections.count < SDPLimits.maximumMediaSections else { throw .tooManyMediaSections }
        sections.append(section)
    }

    /// The value of `name` at the top, or else in the first section that has it.
    ///
    /// For `ice-ufrag` and `ice-pwd`, which peers put at either level.
    package func first(_ name: String) -> String? {
        attributes.first(name) ?? sections.lazy.compactMap { $0.attributes.first(name) }.first
    }

    /// The values of all `a=candidate` lines, in order.
    package var candidates: [String] {
        attributes.all("candidate") + sections.flatMap { $0.attributes.all("candidate") }
    }

    /// Whether the peer says that no more candidates come.
    package var endsCandidates: Bool {
        attributes.contains("end-of-candidates")
            || sections.contains { $0.attributes.contains("end-of-candidates") }
    }

    /// The fragment as text, with CRLF line ends.
    package var text: String {
        var lines = attributes.elements.map(\.line)
        for section in sections {
            lines.append("m=audio 9 UDP/TLS/RTP/SAVPF 0")
            if let mid = section.mid { lines.append("a=mid:\(mid)") }
            lines += section.attributes.elements.map(\.line)
        }
        return lines.map { $0 + "\r\n" }.joined()
    }
}
