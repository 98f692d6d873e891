/// The date of `EXT-X-PROGRAM-DATE-TIME`, in the form of ISO 8601 that playlists use (RFC 8216bis §4.4.4.6).
package enum PlaylistDate {
    /// Reads `2010-02-19T14:54:23.031+08:00`.
    ///
    /// - Returns: Seconds since 1970; `nil` for another form, a day that is none, or a date without its zone.
    package static func parse(_ text: some StringProtocol) -> Double? {
        let bytes = Array(text.utf8)
        guard (20...40).contains(bytes.count), bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
            let second = number(bytes[17..<19]), (1...12).contains(month), hour < 24, minute < 60, second <= 60
        else { return nil }
        var end = 19
        var fraction = 0.0
        if bytes[19] == UInt8(ascii: ".") {
            end = bytes[20...].firstIndex { !(0x30...0x39).contains($0) } ?? bytes.count
            guard (21...35).contains(end), let value = Double("0." + String(decoding: bytes[20..<end], as: UTF8.self))
            else { return nil }
            fraction = value
        }
        guard let zone = offset(bytes[end...]), let days = days(year: year, month: month, day: day) else { return nil }
        return Double(days * 86_400 + hour * 3600 + minute * 60 + second - zone) + fraction
    }

    /// Seconds east of Greenwich.
    private static func offset(_ bytes: ArraySlice<UInt8>) -> Int? {
        let bytes = Array(bytes)
        if bytes == [UInt8(ascii: "Z")] { return 0 }
        guard bytes.count >= 5, bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-") else { return nil }
        let digits =
            bytes.count == 6 && bytes[3] == UInt8(ascii: ":") ? Array(bytes[1..<3] + bytes[4..<6]) : Array(bytes[1...])
        guard digits.count == 4, let hour = number(digits[0..<2]), let minute = number(digits[2..<4]), hour < 24,
            minute < 60
        else { return nil }
        let seconds = hour * 3600 + minute * 60
        return bytes[0] == UInt8(ascii: "-") ? -seconds : seconds
    }

    /// Days from 1970 to a day of the Gregorian calendar.
    private static func days(year: Int, month: Int, day: Int) -> Int? {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard year >= 1, (1...lengths[month - 1]).contains(day) else { return nil }
        let before = year - 1
        let first = before * 365 + before / 4 - before / 100 + before / 400
        return first + lengths[..<(month - 1)].reduce(0, +) + day - 1 - 719_162
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
