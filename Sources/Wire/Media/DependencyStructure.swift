import Primitives

/// What a frame is to viewers of one decode target (AV1 RTP specification, appendix A).
package enum DecodeTargetIndication: UInt8, Sendable {
    /// They are not sent it.
    case notPresent = 0
    /// No later frame of theirs needs it.
    case discardable = 1
    /// Whoever has it can decode all later frames of the target.
    case switching = 2
    /// Later frames of theirs may need it, and older ones too.
    case required = 3
}

/// What the frames of a scalable stream can be: the kinds of frames, and what each decode target needs of them
/// (AV1 RTP specification, appendix A, `template_dependency_structure`).
///
/// Key frames carry it; the descriptors of all frames until the next one refer to it.
package struct DependencyStructure: Hashable, Sendable {
    /// One kind of frame.
    package struct Template: Hashable, Sendable {
        package var spatialLayer: UInt8
        package var temporalLayer: UInt8
        /// For each decode target.
        package var indications: [DecodeTargetIndication] = []
        /// How many frames ago those were that such a frame is predicted from, each 1...16.
        package var distances: [UInt16] = []
        /// For each chain how many frames ago its last frame was, 0...15; 0 for a frame that begins one.
        package var chainDistances: [UInt8] = []
    }

    /// The layers of a decode target: the highest of the frames that are present in it.
    package struct DecodeTarget: Hashable, Sendable {
        package var spatialLayer: UInt8
        package var temporalLayer: UInt8
    }

    /// Kinds of frames at most: the field that names one has six bits.
    package static let maximumTemplates = 64
    /// Frames that one is predicted from at most; AV1 has seven, and one more in case.
    package static let maximumDistances = 8

    /// The number of the first template, 0...63; numbers wrap.
    package var firstTemplate: UInt8
    package var templates: [Template]
    /// 1...32.
    package var decodeTargets: [DecodeTarget]
    /// For each decode target the chain that protects it; empty without chains.
    package var protectingChains: [UInt8]
    /// 0...32.
    package var chainCount: Int
    /// Of each spatial layer from the lowest up; empty where the structure does not say.
    package var sizes: [PictureSize]

    /// Reads a structure.
    ///
    /// - Parameter reader: Positioned on `template_id_offset`; left behind the last size.
    /// - Throws: ``ParseError`` for a structure that is cut short, or has more layers, templates or references than AV1.
    init(parsing reader: inout BitReader) throws(ParseError) {
        firstTemplate = UInt8(truncatingIfNeeded: try reader.readBits(6))
        let targetCount = Int(try reader.readBits(5)) + 1
        templates = try Self.readLayers(&reader)
        for index in templates.indices {
            templates[index].indications = try reader.readIndications(targetCount)
        }
        for index in templates.indices {
            while try reader.readFlag() {
                templates[index].distances.append(UInt16(truncatingIfNeeded: try reader.readBits(4)) + 1)
                guard templates[index].distances.count <= Self.maximumDistances else {
                    throw .invalid(field: "template_fdiffs")
                }
            }
        }
        chainCount = Int(try reader.readNonSymmetric(below: UInt32(targetCount) + 1))
        protectingChains = []
        if chainCount > 0 {
            for _ in 0..<targetCount {
                let chain = try reader.readNonSymmetric(below: UInt32(chainCount))
                protectingChains.append(UInt8(truncatingIfNeeded: chain))
            }
            for index in templates.indices {
                for _ in 0..<chainCount {
                    templates[index].chainDistances.append(UInt8(truncatingIfNeeded: try reader.readBits(4)))
                }
            }
        }
        decodeTargets = Self.decodeTargets(targetCount, of: templates)
        sizes = []
        guard try reader.readFlag() else { return }
        for _ in 0...(templates.last?.spatialLayer ?? 0) {
            let width = Int(try reader.readBits(16)) + 1
            sizes.append(PictureSize(width: width, height: Int(try reader.readBits(16)) + 1))
        }
    }

    /// `template_layers`: each entry says in which layer the next template is.
    private static func readLayers(_ reader: inout BitReader) throws(ParseError) -> [Template] {
        var templates: [Template] = []
        var spatial: UInt8 = 0
        var temporal: UInt8 = 0
        while true {
            guard templates.count < maximumTemplates else { throw .invalid(field: "template_layers") }
            templates.append(Template(spatialLayer: spatial, temporalLayer: temporal))
            switch try reader.readBits(2) {
            case 0: break
            case 1: temporal += 1
            case 2:
                spatial += 1
                temporal = 0
            default: return templates
            }
            // spatial_id has two bits in AV1, and temporal_id three.
            guard spatial < 4, temporal < 8 else { throw .invalid(field: "next_layer_idc") }
        }
    }

    /// `decode_target_layers`, which are not written but follow from the templates.
    private static func decodeTargets(_ count: Int, of templates: [Template]) -> [DecodeTarget] {
        (0..<count).map { target in
            let present = templates.filter { $0.indications[target] != .notPresent }
            return DecodeTarget(
                spatialLayer: present.map(\.spatialLayer).max() ?? 0,
                temporalLayer: present.map(\.temporalLayer).max() ?? 0)
        }
    }

    /// All decode targets, a bit for each from the lowest up.
    package var allDecodeTargets: UInt32 { .max >> UInt32(32 - decodeTargets.count) }

    /// The template of this number; `nil` when the structure has none.
    package func template(_ number: UInt8) -> Template? {
        let index = Int((number &+ 64 &- firstTemplate) & 63)
        return templates.indices.contains(index) ? templates[index] : nil
    }

    /// Writes the structure as it was read.
    func write(to writer: inout BitWriter) {
        writer.write(UInt32(firstTemplate), width: 6)
        writer.write(UInt32(decodeTargets.count - 1), width: 5)
        for (template, next) in zip(templates, templates.dropFirst()) {
            let isHigher = next.spatialLayer > template.spatialLayer
            writer.write(isHigher ? 2 : next.temporalLayer > template.temporalLayer ? 1 : 0, width: 2)
        }
        writer.write(3, width: 2)
        for template in templates { writer.write(template.indications) }
        for template in templates {
            for distance in template.distances {
                writer.write(true)
                writer.write(UInt32(distance - 1), width: 4)
            }
            writer.write(false)
        }
        writer.writeNonSymmetric(UInt32(chainCount), below: UInt32(decodeTargets.count) + 1)
        for chain in protectingChains { writer.writeNonSymmetric(UInt32(chain), below: UInt32(chainCount)) }
        for template in templates {
            for distance in template.chainDistances { writer.write(UInt32(distance), width: 4) }
        }
        writer.write(!sizes.isEmpty)
        for size in sizes {
            writer.write(UInt32(size.width - 1), width: 16)
            writer.write(UInt32(size.height - 1), width: 16)
        }
    }
}

extension BitReader {
    /// Reads an indication for each decode target.
    mutating func readIndications(_ count: Int) throws(ParseError) -> [DecodeTargetIndication] {
        var indications: [DecodeTargetIndication] = []
        for _ in 0..<count {
            let value = UInt8(truncatingIfNeeded: try readBits(2))
            indications.append(DecodeTargetIndication(rawValue: value) ?? .notPresent)
        }
        return indications
    }

    /// `ns(n)`: a number of which all values but the first few take one bit more (AV1 specification §4.10.7).
    ///
    /// - Parameter limit: One more than the highest value; at least 1.
    /// - Returns: 0..<limit.
    /// - Throws: ``ParseError/truncated(needed:available:offset:)``.
    mutating func readNonSymmetric(below limit: UInt32) throws(ParseError) -> UInt32 {
        let width = UInt32.bitWidth - limit.leadingZeroBitCount
        let short = (UInt32(1) << UInt32(width)) - limit
        let value = try readBits(width - 1)
        guard value >= short else { return value }
        return (value << 1) - short + (try readFlag() ? 1 : 0)
    }
}

extension BitWriter {
    mutating func write(_ indications: [DecodeTargetIndication]) {
        for indication in indications { write(UInt32(indication.rawValue), width: 2) }
    }

    /// The counterpart of ``BitReader/readNonSymmetric(below:)``.
    mutating func writeNonSymmetric(_ value: UInt32, below limit: UInt32) {
        let width = UInt32.bitWidth - limit.leadingZeroBitCount
        let short = (UInt32(1) << UInt32(width)) - limit
        if value < short { write(value, width: width - 1) } else { write(value + short, width: width) }
    }
}
