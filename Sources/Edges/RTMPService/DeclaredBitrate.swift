import RTMP

/// What an encoder says in `onMetaData` that it sends.
enum DeclaredBitrate {
    /// More than any encoder sends, in kbit/s.
    private static let maximum = 1_000_000.0

    /// - Parameter metadata: The values of `onMetaData`.
    /// - Returns: Bits per second of picture and sound together; `nil` when nothing sensible is said of the picture.
    static func of(_ metadata: [String: AMF0Value]) -> Int? {
        func rate(_ name: String) -> Double {
            guard let rate = metadata[name]?.number, rate > 0, rate <= maximum else { return 0 }
            return rate
        }
        let video = rate("videodatarate")
        return video > 0 ? Int((video + rate("audiodatarate")) * 1000) : nil
    }
}
