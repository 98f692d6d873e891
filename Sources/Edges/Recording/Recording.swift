import ISOBMFF
import Media
package import Primitives

/// One file of a stream that was, or is being, recorded.
package struct Recording: Sendable, Equatable {
    /// One of its tracks.
    package struct Track: Sendable, Equatable, Codable {
        /// `video` or `audio`.
        package var kind: String
        package var codec: String
        package var width: Int?
        package var height: Int?

        init(_ track: MovieSummary.Track) {
            self.init(track.codec, width: track.width, height: track.height)
        }

        init(_ track: MovieTrack) {
            self.init(track.codec, width: track.width, height: track.height)
        }

        private init(_ codec: Codec, width: Int, height: Int) {
            kind = codec.kind.rawValue
            self.codec = codec.rawValue
            if codec.kind == .video {
                self.width = width
                self.height = height
            }
        }
    }

    package var stream: StreamName
    /// The wall clock at the first frame.
    package var unixMilliseconds: Int64
    package var tracks: [Track] = []
    /// Bytes up to the end of the last fragment.
    package var bytes: Int64 = 0
    /// Seconds of media.
    package var seconds: Double = 0
    /// Whether nothing is added any more.
    package var isComplete = false

    /// Its name in the API; names nothing but what is in the archive.
    package var id: String { "\(stream)-\(RecordingTime.text(unixMilliseconds))" }

    /// The stream that an ``id`` names, whether there is such a recording or not; `nil` when it is no name of one.
    package static func stream(of id: String) -> StreamName? {
        guard let dash = id.lastIndex(of: "-"), RecordingTime.milliseconds(id[id.index(after: dash)...]) != nil else {
            return nil
        }
        return StreamName(String(id[..<dash]))
    }

    /// The wall clock at its end.
    var endMilliseconds: Int64 { unixMilliseconds &+ Int64(min(seconds, 1e12) * 1_000) }

    /// Where it lies below the directory of recordings: stream names hold neither a slash nor a dot in front.
    var path: String { "\(stream)/\(RecordingTime.text(unixMilliseconds)).mp4" }
}

/// A wall-clock time as file names have it: `20260131T120000123Z`, whose order is that of the times.
enum RecordingTime {
    static let length = 19

    /// The text of a time in milliseconds since 1970; beyond the years 1970 to 9999 of the nearest of them.
    static func text(_ milliseconds: Int64) -> String {
        let milliseconds = min(max(milliseconds, 0), 253_402_300_799_999)
        let (days, rest) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        let date = civil(fromDays: days)
        let seconds = rest / 1_000
        return digits(date.year, 4) + digits(date.month, 2) + digits(date.day, 2) + "T"
            + digits(seconds / 3_600, 2) + digits(seconds / 60 % 60, 2) + digits(seconds % 60, 2)
            + digits(rest % 1_000, 3) + "Z"
    }

    /// The time, or `nil` unless `text` is exactly what ``text(_:)`` writes.
    static func milliseconds(_ text: some StringProtocol) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == length, bytes[8] == UInt8(ascii: "T"), bytes[18] == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            bytes[range].reduce(Int64?(0)) { sum, byte in
                guard let sum, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                return sum * 10 + Int64(byte - UInt8(ascii: "0"))
            }
        }
        guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8), let hour = number(9..<11),
            let minute = number(11..<13), let second = number(13..<15), let rest = number(15..<18),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let seconds = (days(year, month, day) * 24 + hour) * 3_600 + minute * 60 + second
        let milliseconds = seconds * 1_000 + rest
        return Self.text(milliseconds) == text ? milliseconds : nil
    }

    private static func digits(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// The proleptic Gregorian calendar, counted in eras of 400 years that begin in March.
    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let day = shifted % 146_097
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * year + year / 4 - year / 100)
        let month = (5 * dayOfYear + 2) / 153
        let civilMonth = month < 10 ? month + 3 : month - 9
        return (era * 400 + year + (civilMonth <= 2 ? 1 : 0), civilMonth, dayOfYear - (153 * month + 2) / 5 + 1)
    }

    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
