import M3U8

extension MediaPlaylist {
    /// When the last moment of the newest part was made, in seconds since 1970; `nil` without dates.
    var newestDate: Double? {
        var date: Double?
        for segment in segments {
            date = segment.date ?? date
            let length = segment.uri == nil ? segment.parts.reduce(0) { $0 + $1.duration } : segment.duration
            date = date.map { $0 + length }
        }
        return date
    }
}
