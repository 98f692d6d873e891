import Media
import Primitives

/// Sample entries of AAC (ISO/IEC 14496-14 §6.7) and Opus ("Encapsulation of Opus in ISO Base Media File Format" §4.3).
extension SampleEntry {
    init(aac config: [UInt8]) throws(ParseError) {
        let parsed = try AudioSpecificConfig(parsing: config.span)
        guard config.count <= 64 else { throw .limitExceeded(what: "AudioSpecificConfig size") }
        // A program config element may say otherwise; then the decoder knows, and this is a guess.
        let channels = parsed.channels == 0 ? 2 : parsed.channels
        let box = Self.audioEntry("mp4a", channels: channels, sampleRate: parsed.sampleRate) { entry in
            entry.fullBox("esds") { $0.write(Self.elementaryStreamDescriptor(config)) }
        }
        self.init(
            timescale: UInt32(truncatingIfNeeded: parsed.sampleRate), codecsParameter: "mp4a.40.\(parsed.objectType)",
            channels: channels, frameTicks: UInt32(truncatingIfNeeded: parsed.samplesPerFrame), box: box)
    }

    /// ES_Descriptor (ISO/IEC 14496-1 §7.2.6.5) around a decoder's configuration of at most 64 bytes.
    private static func elementaryStreamDescriptor(_ config: [UInt8]) -> [UInt8] {
        func descriptor(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
            [tag, UInt8(truncatingIfNeeded: content.count)] + content
        }
        // MPEG-4 audio, an audio stream, and buffer size and bit rates that are not known.
        let decoder = descriptor(4, [0x40, 0x15] + [UInt8](repeating: 0, count: 11) + descriptor(5, config))
        // ES_ID is 0 in files, and the SL configuration is predefined as 2.
        return descriptor(3, [0, 0, 0] + decoder + descriptor(6, [2]))
    }

    init(opus channels: Int) throws(ParseError) {
        // More than two channels take a mapping table that no publisher of ours sends.
        guard (1...2).contains(channels) else { throw .invalid(field: "Opus channels") }
        let box = Self.audioEntry("Opus", channels: channels, sampleRate: 48_000) { entry in
            entry.box("dOps") { box in
                box.write(UInt8(0))  // Version
                box.write(UInt8(truncatingIfNeeded: channels))
                // A live track begins anywhere, so nothing at its beginning is the encoder's delay.
                box.write(UInt16(0))
                box.write(UInt32(48_000))
                box.write(UInt16(0))  // OutputGain
                box.write(UInt8(0))  // ChannelMappingFamily
            }
        }
        self.init(timescale: 48_000, codecsParameter: "opus", channels: channels, box: box)
    }
}
