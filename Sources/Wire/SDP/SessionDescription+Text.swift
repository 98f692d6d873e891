extension SessionDescription {
    /// Reads a description, with LF or CRLF line ends.
    ///
    /// - Throws: ``SDPError``; every limit of ``SDPLimits`` is one of its cases.
    package init(parsing text: [UInt8]) throws(SDPError) {
        try self.init(parsing: text.span)
    }

    /// Reads a description, with LF or CRLF line ends.
    ///
    /// Line types that we do not know are read over, as browsers do, although RFC 8866 §5 would have us
    /// ignore the whole description.
    package init(parsing text: Span<UInt8>) throws(SDPError) {
        let lines = try SDPLine.split(text)
        guard let first = lines.first, first.letter == UInt8(ascii: "v"), first.value.sdpTrimmed() == "0" else {
            throw .missingVersion
        }
        var origin: SDPOrigin?
        var name = "-"
        var connection: String?
        var bandwidth: SDPBandwidth?
        var attributes = SDPAttributes()
        var media: [MediaDescription] = []
        for line in lines.dropFirst() {
            switch line.letter {
            case UInt8(ascii: "o") where media.isEmpty:
                guard let parsed = SDPOrigin(parsing: line.value) else { throw .malformedOrigin(line: line.number) }
                origin = parsed
            case UInt8(ascii: "s") where media.isEmpty:
                name = line.value
            case UInt8(ascii: "c"):
                if media.isEmpty {
                    connection = line.value
                } else {
                    media[media.count - 1].connection = line.value
                }
            case UInt8(ascii: "b"):
                guard let read = SDPBandwidth(parsing: line.value) else { break }
                if media.isEmpty {
                    bandwidth = SDPBandwidth.preferred(bandwidth, read)
                } else {
                    media[media.count - 1].bandwidth = .preferred(media[media.count - 1].bandwidth, read)
                }
            case UInt8(ascii: "m"):
                guard media.count < SDPLimits.maximumMediaSections else { throw .tooManyMediaSections }
                guard let section = MediaDescription(parsing: line.value) else {
                    throw .malformedMediaLine(line: line.number)
                }
                media.append(section)
            case UInt8(ascii: "a"):
                let attribute = SDPAttribute(parsing: line.value)
                if media.isEmpty {
                    attributes.elements.append(attribute)
                } else {
                    media[media.count - 1].attributes.elements.append(attribute)
                }
            default:
                break
            }
        }
        guard let origin else { throw .missingOrigin }
        self.init(
            origin: origin, name: name, connection: connection, bandwidth: bandwidth, attributes: attributes,
            media: media)
    }

    /// The description as text, with CRLF line ends.
    package var text: String {
        var lines = [
            "v=0",
            "o=\(origin.userName) \(origin.sessionID) \(origin.sessionVersion) \(origin.address)",
            "s=\(name)",
        ]
        if let connection { lines.append("c=\(connection)") }
        if let bandwidth { lines.append("b=\(bandwidth.value)") }
        lines.append("t=0 0")
        lines += attributes.elements.map(\.line)
        for section in media { lines += section.lines }
        return lines.map { $0 + "\r\n" }.joined()
    }
}

extension SessionDescription: CustomStringConvertible {
    package var description: String { text }
}
