/// The lines of a playlist that mean something: tags and addresses, without comments and blank lines.
struct PlaylistLines {
    enum Content {
        /// `#EXT…`, without its value; the value is empty where there is none.
        case tag(String, value: Substring)
        case address(String)
    }

    struct Line {
        /// From 1.
        var number: Int
        var content: Content
    }

    let lines: [Line]

    init(_ bytes: Span<UInt8>) throws(PlaylistError) {
        guard bytes.count <= PlaylistLimits.maximumSize else { throw .tooLarge }
        var copy: [UInt8] = []
        copy.reserveCapacity(bytes.count)
        for index in 0..<bytes.count {
            let byte = bytes[index]
            // §4.1: no control characters but line breaks.
            guard byte >= 0x20 && byte != 0x7F || byte == 0x0A || byte == 0x0D || byte == 0x09 else { throw .notText }
            copy.append(byte)
        }
        guard let text = String(validating: copy, as: UTF8.self), !text.hasPrefix("\u{FEFF}") else { throw .notText }
        var lines: [Line] = []
        var number = 0
        for piece in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            guard number <= PlaylistLimits.maximumLines else { throw .tooLarge }
            let line = Substring(piece.last == 0x0D ? piece.dropLast() : piece)
            if number == 1 {
                guard line == "#EXTM3U" else { throw .noHeader }
            } else if line.utf8.starts(with: "#EXT".utf8) {
                let colon = line.utf8.firstIndex(of: UInt8(ascii: ":"))
                let name = String(line[..<(colon ?? line.endIndex)])
                lines.append(
                    Line(number: number, content: .tag(name, value: colon.map { line[$0...].dropFirst() } ?? "")))
            } else if !line.isEmpty, line.utf8.first != UInt8(ascii: "#") {
                lines.append(Line(number: number, content: .address(String(line))))
            }
        }
        self.lines = lines
    }
}
