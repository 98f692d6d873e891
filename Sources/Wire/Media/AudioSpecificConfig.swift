package import Primitives

/// How AAC audio is coded (ISO/IEC 14496-3 §1.6.2.1).
package struct AudioSpecificConfig: Hashable, Sendable {
    /// 2 AAC-LC, 5 SBR (HE-AAC), 29 PS (HE-AAC v2), 42 xHE-AAC.
    package var objectType: Int
    /// Of the core coder; SBR may double it.
    package var sampleRate: Int
    /// 1 to 8; 0 when a program config element in the stream says it.
    package var channels: Int
    /// Of the core coder, for each frame: 1024, or 960 for broadcasting.
    package var samplesPerFrame: Int

    private static let sampleRates = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ]

    package init(parsing bytes: Span<UInt8>) throws(ParseError) {
        // All that we read lies in the first bytes; the rest is the decoder's.
        var head: [UInt8] = []
        for index in 0..<min(bytes.count, 16) { head.append(bytes[index]) }
        var bits = BitReader(head)
        objectType = Int(try bits.readBits(5))
        if objectType == 31 { objectType = 32 + Int(try bits.readBits(6)) }
        guard objectType > 0 else { throw .invalid(field: "AAC object type") }

        let rateIndex = Int(try bits.readBits(4))
        if rateIndex == 15 {
            sampleRate = Int(try bits.readBits(24))
        } else {
            guard Self.sampleRates.indices.contains(rateIndex) else { throw .invalid(field: "AAC sample rate") }
            sampleRate = Self.sampleRates[rateIndex]
        }
        guard (1_000...192_000).contains(sampleRate) else { throw .invalid(field: "AAC sample rate") }

        let layout = Int(try bits.readBits(4))
        guard layout < 8 || layout == 11 || layout == 12 || layout == 14 else {
            throw .invalid(field: "AAC channel configuration")
        }
        channels = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8, 0][layout]
        // What follows, we can do without.
        samplesPerFrame = (try? Self.isShort(&bits, objectType: objectType)) ?? false ? 960 : 1_024
    }

    /// Reads frameLengthFlag of the GASpecificConfig (§4.4.1), behind what announces SBR or PS.
    private static func isShort(_ bits: inout BitReader, objectType: Int) throws(ParseError) -> Bool {
        if objectType == 5 || objectType == 29 {
            if try bits.readBits(4) == 15 { try bits.skip(24) }
            try bits.skip(5)
        }
        return try bits.readFlag()
    }
}
