import Media
import RTP
import SDP

/// A media section of an offer, read once.
struct OfferedSection: Sendable {
    var media: MediaDescription
    /// The identification tag; `nil` when the offer has none.
    var mid: String?
    /// `nil` for `application` and what else we do not carry.
    var kind: MediaKind?
    /// As the offerer sees it.
    var direction: MediaDirection
    var formats: [OfferedFormat]
    var extensions: [HeaderExtensionMap]

    /// Real offers have up to 15 extensions and layers a section.
    static let maximumExtensions = 64

    init(_ media: MediaDescription, session: SessionDescription) throws(OfferError) {
        self.media = media
        mid = media.mid
        if let mid {
            // It comes back in our BUNDLE line, where a space would make two of it.
            guard (1...64).contains(mid.utf8.count), mid.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw .malformed("a=mid must be 1 to 64 printable characters without spaces")
            }
        }
        kind = MediaKind(rawValue: media.media)
        direction = media.direction ?? session.attributes.direction ?? .sendrecv
        formats = kind == nil ? [] : OfferedFormat.all(in: media)
        extensions = media.attributes.all("extmap").prefix(Self.maximumExtensions)
            .compactMap(HeaderExtensionMap.init(parsing:))
    }

    /// Whether it is audio or video over DTLS-SRTP that the offerer wants: port 0 is fine when bundle-only.
    var isActive: Bool {
        kind != nil && Self.transports.contains(media.transport)
            && (media.port != 0 || media.attributes.contains("bundle-only"))
    }

    private static let transports: Set<String> = ["UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "RTP/SAVPF"]

    /// The id of an extension that the offerer may send to us, in the one- or two-byte form; 15 is reserved.
    func extensionID(_ uri: HeaderExtensionURI) -> UInt8? {
        for map in extensions where map.uri == uri.rawValue && map.direction?.sends != false {
            guard let id = UInt8(exactly: map.id), id != 15 else { continue }
            return id
        }
        return nil
    }

    /// The id of an extension that we may send to the offerer in the one-byte form.
    func receivedExtensionID(_ uri: HeaderExtensionURI) -> UInt8? {
        for map in extensions where map.uri == uri.rawValue && map.direction?.receives != false {
            if (1...14).contains(map.id) { return UInt8(map.id) }
        }
        return nil
    }

    /// What the section can do, for people to read: each codec once.
    var codecNames: [String] {
        var names: [String] = []
        for format in formats {
            guard let name = format.displayName, !names.contains(name), names.count < 16 else { continue }
            names.append(name)
        }
        return names
    }
}
