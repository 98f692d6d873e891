import HTTPTypes

/// Entity tags (RFC 9110 §8.8.3).
enum EntityTag {
    /// Whether `text` is a strong tag: quoted, without `W/`, and with nothing in it that a tag may not hold.
    static func isStrong(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count >= 2, bytes.first == UInt8(ascii: "\""), bytes.last == UInt8(ascii: "\"") else {
            return false
        }
        return bytes.dropFirst().dropLast().allSatisfy { $0 == 0x21 || (0x23...0x7E).contains($0) || $0 >= 0x80 }
    }
}

/// Dates as HTTP writes them (RFC 9110 §5.6.7).
enum HTTPDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that may be sent.
    ///
    /// - Returns: Seconds since 1970; `nil` for anything else, such as a day of the week that is wrong.
    static func parse(_ text: String) -> Int64? {
        let fields = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 6, fields[0].utf8.count == 4, fields[0].hasSuffix(","), fields[5] == "GMT",
            let weekday = days.firstIndex(of: String(fields[0].dropLast())),
            let day = number(fields[1], digits: 2), let month = months.firstIndex(of: fields[2]),
            let year = number(fields[3], digits: 4)
        else { return nil }
        let clock = fields[4].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard clock.count == 3, let hour = number(clock[0], digits: 2), let minute = number(clock[1], digits: 2),
            let second = number(clock[2], digits: 2), hour < 24, minute < 60, second <= 60, year >= 1
        else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...lengths[month]).contains(day) else { return nil }
        let before = year - 1
        let dayNumber =
            before * 365 + before / 4 - before / 100 + before / 400 + lengths[..<month].reduce(0, +) + day - 1
        // The first of January of the year 1 was a Monday, 719,162 days before 1970.
        guard (dayNumber + 1) % 7 == weekday else { return nil }
        return Int64(dayNumber - 719_162) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    private static func number(_ text: String, digits: Int) -> Int? {
        guard text.utf8.count == digits, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }
}

extension HTTPFields {
    /// The members of a field that is a list of words (`Allow`, `Access-Control-Allow-Headers`), in lower case.
    func words(_ name: HTTPField.Name) -> Set<String> {
        let words = self[values: name].flatMap { $0.split(separator: ",") }
        return Set(words.map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }.filter { !$0.isEmpty })
    }

    /// The media types of a field like `Accept-Post`, without parameters and in lower case.
    func mediaTypes(_ name: HTTPField.Name) -> Set<String> {
        Set(words(name).map { String($0.prefix { $0 != ";" }) })
    }
}

extension HTTPField.Name {
    static let acceptPost = known("Accept-Post")
    static let acceptPatch = known("Accept-Patch")
    static let link = known("Link")

    private static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("this is a field name") }
        return name
    }
}
