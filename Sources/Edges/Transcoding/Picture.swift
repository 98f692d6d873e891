/// A picture in three planes, 8 bits, 4:2:0: what video encoders take.
struct Picture: Sendable {
    /// Brightness and the two colour differences of a pixel, in the studio range of ITU-R BT.601.
    struct Color: Hashable, Sendable {
        var luma: UInt8
        var blue: UInt8
        var red: UInt8

        static let black = Color(luma: 16, blue: 128, red: 128)
        static let white = Color(luma: 235, blue: 128, red: 128)
        static let gray = Color(luma: 60, blue: 128, red: 128)
        static let orange = Color(luma: 150, blue: 54, red: 190)
        /// White, yellow, cyan, green, magenta, red, blue at 75 %.
        static let bars = [
            Color(luma: 180, blue: 128, red: 128), Color(luma: 162, blue: 44, red: 142),
            Color(luma: 131, blue: 156, red: 44), Color(luma: 112, blue: 72, red: 58),
            Color(luma: 84, blue: 184, red: 198), Color(luma: 65, blue: 100, red: 212),
            Color(luma: 35, blue: 212, red: 114),
        ]
    }

    let width: Int
    let height: Int
    private(set) var luma: [UInt8]
    private(set) var blue: [UInt8]
    private(set) var red: [UInt8]

    /// - Precondition: both sides are even and positive.
    init(width: Int, height: Int) {
        precondition(width > 0 && height > 0 && width % 2 == 0 && height % 2 == 0, "4:2:0 needs even sides")
        self.width = width
        self.height = height
        luma = [UInt8](repeating: Color.black.luma, count: width * height)
        blue = [UInt8](repeating: Color.black.blue, count: width * height / 4)
        red = [UInt8](repeating: Color.black.red, count: width * height / 4)
    }

    /// Fills a rectangle, as far as it lies in the picture; odd edges move to the even pixel before.
    mutating func fill(x: Int, y: Int, width: Int, height: Int, _ color: Color) {
        let left = clamp(x, to: self.width)
        let right = clamp(x + width, to: self.width)
        let top = clamp(y, to: self.height)
        let bottom = clamp(y + height, to: self.height)
        guard left < right, top < bottom else { return }
        for row in top..<bottom {
            let start = row * self.width
            luma.replaceSubrange(
                (start + left)..<(start + right),
                with: repeatElement(color.luma, count: right - left)
            )
        }
        for row in (top / 2)..<(bottom / 2) {
            let start = row * (self.width / 2)
            let range = (start + left / 2)..<(start + right / 2)
            blue.replaceSubrange(range, with: repeatElement(color.blue, count: range.count))
            red.replaceSubrange(range, with: repeatElement(color.red, count: range.count))
        }
    }

    private func clamp(_ position: Int, to limit: Int) -> Int {
        min(max(position, 0), limit) & ~1
    }
}
