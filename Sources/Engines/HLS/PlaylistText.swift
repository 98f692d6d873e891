/// Numbers and dates as playlists hold them.
enum PlaylistText {
    /// A decimal number with `digits` places, rounded; `roundedUp` never below `value`.
    static func decimal(_ value: Double, digits: Int = 5, roundedUp: Bool = false) -> String {
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = max(0, value) * Double(scale)
        // A hair, so that what was a round number stays one.
        let whole = Int(roundedUp ? (scaled - 1e-6).rounded(.up) : scaled.rounded())
        let fraction = String(whole % scale)
        return "\(whole / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// ISO 8601 in UTC, to the millisecond.
    static func dateTime(unixNanoseconds: Int64) -> String {
        let milliseconds = unixNanoseconds / 1_000_000
        let (days, rest) = (milliseconds / 86_400_000, milliseconds % 86_400_000)
        let (year, month, day) = civil(daysSince1970: days)
        let (seconds, fraction) = (rest / 1_000, rest % 1_000)
        return
            "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(seconds / 3_600, 2)):\(pad(seconds / 60 % 60, 2)):"
            + "\(pad(seconds % 60, 2)).\(pad(fraction, 3))Z"
    }

    private static func pad(_ number: Int64, _ width: Int) -> String {
        let text = String(max(0, number))
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// The Gregorian date; years are counted from March, so that the leap day comes last.
    private static func civil(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = max(0, days) + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
