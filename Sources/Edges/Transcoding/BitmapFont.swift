/// Digits and the two signs of a clock, five by seven dots each, drawn as squares.
enum BitmapFont {
    static let columns = 5
    static let rows = 7

    /// One number a row, the leftmost dot in bit 4.
    private static let glyphs: [Character: [UInt8]] = [
        "0": [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        "1": [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        "2": [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
        "3": [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110],
        "4": [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        "5": [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        "6": [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        "7": [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
        "8": [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        "9": [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        ":": [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000],
        ".": [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100],
    ]

    /// The width of `text` in pixels when each dot is `scale` pixels wide.
    static func width(of text: String, scale: Int) -> Int {
        max(0, text.count * (columns + 1) - 1) * scale
    }

    /// Draws `text` with its top left corner at (x, y); characters without a glyph stay blank.
    static func draw(_ text: String, x: Int, y: Int, scale: Int, color: Picture.Color, on picture: inout Picture) {
        var left = x
        for character in text {
            for (row, dots) in (glyphs[character] ?? []).enumerated() {
                for column in 0..<columns where dots & (0b10000 >> UInt8(column)) != 0 {
                    picture.fill(
                        x: left + column * scale,
                        y: y + row * scale,
                        width: scale,
                        height: scale,
                        color
                    )
                }
            }
            left += (columns + 1) * scale
        }
    }
}
