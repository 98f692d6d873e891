/// The name of something below `/hls/{stream}/`.
///
/// Names of media say of which publish epoch they are and never come back, so that caches may keep them for good.
package enum ResourceName: Hashable, Sendable {
    case multivariant
    case media(RenditionName)
    case map(RenditionName, epoch: UInt64, number: Int)
    case segment(RenditionName, epoch: UInt64, number: Int)
    case part(RenditionName, epoch: UInt64, number: Int, index: Int)

    package var text: String {
        switch self {
        case .multivariant: "index.m3u8"
        case .media(let name): "\(name.text).m3u8"
        case .map(let name, let epoch, let number): "\(name.text)-\(epoch)-\(number)-init.mp4"
        case .segment(let name, let epoch, let number): "\(name.text)-\(epoch)-\(number).m4s"
        case .part(let name, let epoch, let number, let index): "\(name.text)-\(epoch)-\(number)-\(index).m4s"
        }
    }

    /// The media type of what it names (RFC 8216bis §4, RFC 4337).
    package var contentType: String {
        switch self {
        case .multivariant, .media: "application/vnd.apple.mpegurl"
        case .map(.audio, _, _), .segment(.audio, _, _), .part(.audio, _, _, _): "audio/mp4"
        case .map, .segment, .part: "video/mp4"
        }
    }

    /// The name that a client asked for; `nil` for what we never name so.
    ///
    /// - Parameter text: The last part of a path, of any length.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 80, let dot = text.lastIndex(of: ".") else { return nil }
        let ending = text[text.index(after: dot)...]
        let stem = text[..<dot].split(separator: "-", omittingEmptySubsequences: false)
        guard let first = stem.first else { return nil }
        if ending == "m3u8", stem.count == 1 {
            if first == "index" {
                self = .multivariant
                return
            }
            guard let name = RenditionName(first) else { return nil }
            self = .media(name)
            return
        }
        guard (3...4).contains(stem.count), let name = RenditionName(first),
            let epoch = Self.number(stem[1], as: UInt64.self), let number = Self.number(stem[2], as: Int.self)
        else { return nil }
        switch (ending, stem.count) {
        case ("mp4", 4) where stem[3] == "init": self = .map(name, epoch: epoch, number: number)
        case ("m4s", 3): self = .segment(name, epoch: epoch, number: number)
        case ("m4s", 4):
            guard let index = Self.number(stem[3], as: Int.self) else { return nil }
            self = .part(name, epoch: epoch, number: number, index: index)
        default: return nil
        }
    }

    /// Plain digits only: one resource has one name.
    private static func number<Number: FixedWidthInteger>(_ text: some StringProtocol, as type: Number.Type) -> Number?
    {
        guard let value = Number(text), value >= 0, String(value) == text else { return nil }
        return value
    }
}
