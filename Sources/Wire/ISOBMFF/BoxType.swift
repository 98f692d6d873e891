/// The four letters that name a box, a sample entry or a brand (ISO/IEC 14496-12 §4.2).
package struct BoxType: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    package var rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// - Precondition: `name` has four ASCII letters.
    package init(stringLiteral name: StaticString) {
        let letters = Array(name.description.utf8)
        precondition(letters.count == 4, "a box type has four letters")
        rawValue = letters.reduce(0) { $0 << 8 | UInt32($1) }
    }

    package var description: String {
        let letters = (0..<4).map { UInt8(truncatingIfNeeded: rawValue >> (24 - 8 * UInt32($0))) }
        return String(decoding: letters, as: UTF8.self)
    }
}
