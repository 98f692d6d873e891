/// Draws the test pattern: colour bars, a box that moves, the time of day, and a flash at each full second.
struct TestPatternPainter: Sendable {
    /// How long flash and beep last, in microseconds.
    static let signalDuration: Int64 = 100_000

    private let background: Picture

    init(width: Int, height: Int) {
        var picture = Picture(width: width, height: height)
        let bars = Picture.Color.bars
        for (index, color) in bars.enumerated() {
            let left = width * index / bars.count
            let right = width * (index + 1) / bars.count
            picture.fill(x: left, y: 0, width: right - left, height: height * 2 / 3, color)
        }
        picture.fill(x: 0, y: height * 2 / 3, width: width, height: height - height * 2 / 3, .gray)
        background = picture
    }

    /// Whether flash and beep are on at `timeOfDay` microseconds since midnight.
    static func isSignalling(at timeOfDay: Int64) -> Bool {
        (0..<signalDuration).contains(timeOfDay % 1_000_000)
    }

    /// The picture at `timeOfDay` microseconds since midnight.
    func picture(at timeOfDay: Int64) -> Picture {
        var picture = background
        drawBox(at: timeOfDay, on: &picture)
        drawClock(at: timeOfDay, on: &picture)
        // The right end of the lower third, away from where the box turns.
        let side = picture.height / 6
        picture.fill(
            x: picture.width - side - side / 2,
            y: picture.height * 3 / 4,
            width: side,
            height: side,
            Self.isSignalling(at: timeOfDay) ? .white : .black
        )
        return picture
    }

    /// The box crosses the picture and comes back in four seconds.
    private func drawBox(at timeOfDay: Int64, on picture: inout Picture) {
        let period: Int64 = 4_000_000
        let phase = timeOfDay % period
        let progress = Double(min(phase, period - phase)) / Double(period / 2)
        let side = picture.height / 6
        let room = picture.width - 3 * side
        picture.fill(
            x: Int(Double(room) * progress),
            y: picture.height * 3 / 4,
            width: side,
            height: side,
            .orange
        )
    }

    private func drawClock(at timeOfDay: Int64, on picture: inout Picture) {
        let text = Self.clockText(at: timeOfDay)
        let dots = BitmapFont.width(of: text, scale: 1) + 4
        let scale = max(2, picture.width * 4 / 5 / dots & ~1)
        let width = BitmapFont.width(of: text, scale: scale)
        let height = BitmapFont.rows * scale
        let x = (picture.width - width) / 2 & ~1
        let y = (picture.height * 2 / 3 - height) / 2 & ~1
        picture.fill(
            x: x - 2 * scale,
            y: y - 2 * scale,
            width: width + 4 * scale,
            height: height + 4 * scale,
            .black
        )
        BitmapFont.draw(text, x: x, y: y, scale: scale, color: .white, on: &picture)
    }

    /// `timeOfDay` as HH:MM:SS.mmm.
    static func clockText(at timeOfDay: Int64) -> String {
        func digits(_ value: Int64, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let milliseconds = timeOfDay / 1_000 % 86_400_000
        let (seconds, fraction) = milliseconds.quotientAndRemainder(dividingBy: 1_000)
        return digits(seconds / 3_600, 2) + ":" + digits(seconds / 60 % 60, 2) + ":" + digits(seconds % 60, 2) + "."
            + digits(fraction, 3)
    }
}
