import Media
package import Primitives

extension MediaTag {
    /// Appends the body of the message that carries this tag.
    ///
    /// H.264 and AAC are written as every server knows them, all else as Enhanced RTMP v1.
    package func write(to writer: inout ByteWriter) {
        switch codec {
        case .h264: writeAVC(to: &writer)
        case .aac: writeAAC(to: &writer)
        default: writeEnhanced(to: &writer)
        }
    }

    private var bytes: [UInt8] {
        switch content {
        case .configuration(let bytes), .frame(let bytes): bytes
        case .endOfSequence: []
        }
    }

    private var packetType: UInt8 {
        switch content {
        case .configuration: 0
        case .frame: 1
        case .endOfSequence: 2
        }
    }

    private func writeAVC(to writer: inout ByteWriter) {
        writer.write(UInt8((isKeyFrame ? 1 : 2) << 4 | 7))
        writer.write(packetType)
        writer.writeUInt24(UInt32(bitPattern: compositionTime) & 0xFF_FFFF)
        writer.write(bytes)
    }

    private func writeAAC(to writer: inout ByteWriter) {
        writer.write(UInt8(0xAF))
        // AAC has no end of sequence: an empty frame says nothing and harms nobody.
        writer.write(content == .endOfSequence ? 1 : packetType)
        writer.write(bytes)
    }

    private func writeEnhanced(to writer: inout ByteWriter) {
        let kind = codec.kind
        let fourCC = FourCC.supported(kind).first { $0.codec == codec }?.fourCC ?? FourCC(rawValue: 0)
        let first: UInt8 = kind == .audio ? 0x90 : 0x80 | (isKeyFrame ? 1 : 2) << 4
        writer.write(first | packetType)
        writer.write(fourCC.rawValue)
        if codec == .h265, case .frame = content {
            writer.writeUInt24(UInt32(bitPattern: compositionTime) & 0xFF_FFFF)
        }
        writer.write(bytes)
    }
}
