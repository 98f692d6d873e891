/// Dependency descriptors as Chromium 156 sends them with AV1.
///
/// Each stream is given as the descriptor of its first frame, which brings the structure, and the templates of the frames
/// after it, picture by picture.
package struct RealDescriptors: Sendable, CustomStringConvertible {
    package var mode: String
    /// Of the first frame of a key picture.
    package var key: [UInt8]
    /// Templates of the other frames of a key picture, from the lower to the higher spatial layers.
    package var keyTemplates: [UInt8]
    /// Templates of the pictures right after a key picture.
    package var start: [[UInt8]]
    /// Templates of the pictures that follow over and over.
    package var period: [[UInt8]]

    package var description: String { mode }

    /// The number of the structure's first template.
    package var firstTemplate: UInt8 { key[0] & 0x3F }

    package static let temporal = RealDescriptors(
        mode: "L1T3", key: bytes("820004804214eaa860414d1410208427027f0167"), keyTemplates: [], start: [],
        period: [[5], [4], [6], [3]])
    package static let spatial = RealDescriptors(
        mode: "L2T3",
        key: bytes(
            "830006804514853abfaaa18f04304302a02a006001001b934515e082704608c0c787004321651111543276809f8059813f80b380"),
        keyTemplates: [8], start: [], period: [[5, 10], [4, 9], [6, 11], [2, 7]])
    package static let spatialByKeys = RealDescriptors(
        mode: "L2T3_KEY",
        key: bytes(
            "820006804514853aaaa8018004004002a02a0060010015d34514174d144c700874321651118543276809f8059813f80b38"),
        keyTemplates: [7], start: [], period: [[5, 10], [4, 9], [6, 11], [3, 8]])
    package static let shifted = RealDescriptors(
        mode: "L2T2_KEY_SHIFT", key: bytes("8200068043061eaa82804028280514d14134518010a091889a09404fc02cc09fc059c0"),
        keyTemplates: [6], start: [[3, 8], [5, 7]], period: [[4, 8], [5, 7]])

    package static let all = [temporal, spatial, spatialByKeys, shifted]

    /// Descriptors with fields of their own, of the structure in ``spatialByKeys``: indications, chains, decode targets.
    package static let custom = [
        "c400081a401810", "c500091a002018", "ca000a1a602820", "c3000b1aa03028", "87000c1aa00830", "c50010082820",
        "ca0011083028", "ca00161b202050", "c300171a802858", "c500051a000800",
    ].map(bytes)

    /// The bytes that hexadecimal digits stand for.
    package static func bytes(_ digits: String) -> [UInt8] {
        let values = digits.compactMap(\.hexDigitValue)
        return stride(from: 0, to: values.count - 1, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
    }
}
