import Media

/// The four letters by which Enhanced RTMP names a codec.
struct FourCC: RawRepresentable, Hashable, Sendable {
    var rawValue: UInt32

    init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// - Precondition: `name` has four ASCII letters.
    init(_ name: StaticString) {
        let letters = Array(name.description.utf8)
        precondition(letters.count == 4, "a FourCC has four letters")
        rawValue = letters.reduce(0) { $0 << 8 | UInt32($1) }
    }

    static let avc1 = FourCC("avc1")
    static let hvc1 = FourCC("hvc1")
    static let av01 = FourCC("av01")
    static let vp08 = FourCC("vp08")
    static let vp09 = FourCC("vp09")
    static let opus = FourCC("Opus")
    static let mp4a = FourCC("mp4a")

    /// The codecs we carry, by the media they are for.
    static func supported(_ kind: MediaKind) -> [(name: String, fourCC: FourCC, codec: Codec)] {
        switch kind {
        case .video:
            [
                ("avc1", avc1, .h264), ("hvc1", hvc1, .h265), ("av01", av01, .av1), ("vp09", vp09, .vp9),
                ("vp08", vp08, .vp8),
            ]
        case .audio: [("Opus", opus, .opus), ("mp4a", mp4a, .aac)]
        }
    }

    /// The codec we carry under this name; `nil` for all others.
    func codec(_ kind: MediaKind) -> Codec? {
        Self.supported(kind).first { $0.fourCC == self }?.codec
    }

    /// What a person calls a codec that we do not carry.
    var unsupportedName: String {
        let names = [
            FourCC(".mp3"): "MP3", FourCC("fLaC"): "FLAC", FourCC("ac-3"): "AC-3", FourCC("ec-3"): "E-AC-3",
            FourCC("vvc1"): "H.266",
        ]
        return names[self] ?? "an unknown codec"
    }
}
