/// Text that nobody can guess.
package enum RandomText {
    /// - Parameter bytes: How many random bytes; the text has two digits for each.
    /// - Returns: Lower-case hexadecimal digits.
    package static func hexadecimal(bytes: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<bytes).map { _ in Hexadecimal.text([UInt8.random(in: 0...255, using: &generator)]) }.joined()
    }
}

enum Hexadecimal {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var result: [UInt8] = []
        for byte in bytes {
            result.append(digits[Int(byte >> 4)])
            result.append(digits[Int(byte & 15)])
        }
        return String(decoding: result, as: UTF8.self)
    }
}
