package import Primitives

/// Which frame of a scalable stream a packet belongs to, and what that frame needs: the RTP header extension of AV1
/// (AV1 RTP specification, appendix A).
///
/// What it does not say itself follows from one of the templates of the stream's structure.
package struct DependencyDescriptor: Equatable, Sendable {
    /// Whether the packet is the first of its frame.
    package var startsFrame: Bool
    /// Whether the packet is the last of its frame.
    package var endsFrame: Bool
    /// The number of the frame's template, 0...63.
    package var template: UInt8
    /// Counts the frames of the stream, all layers together; wraps.
    package var frameNumber: UInt16
    /// The structure that begins with this frame; `nil` for most.
    package var structure: DependencyStructure?
    /// Which decode targets the publisher makes from here on, a bit for each from the lowest up; `nil` where nothing changes.
    package var activeDecodeTargets: UInt32?
    /// What the frame is to each decode target; `nil` for what its template says, as with the next two.
    package var indications: [DecodeTargetIndication]?
    /// How many frames ago those were that this one is predicted from, each 1...4096.
    package var distances: [UInt16]?
    /// For each chain how many frames ago its last frame was.
    package var chainDistances: [UInt8]?

    /// Bytes of the fields that every descriptor has.
    package static let mandatoryLength = 3
    /// Bytes at most: an element of a header extension has no more.
    package static let maximumLength = 255

    /// Reads the element's bytes.
    ///
    /// - Parameters:
    ///   - value: Of the header extension; at most 255 bytes, which bounds all that follows from it.
    ///   - current: The structure of the stream's last key frame, for descriptors that bring none of their own.
    /// - Throws: ``ParseError`` for a descriptor that is cut short, that refers to a template that is not known, or that brings
    ///   a structure in the middle of a frame.
    /// - Complexity: O(1); those of more than three bytes are copied first.
    package init(parsing value: Span<UInt8>, current: DependencyStructure?) throws(ParseError) {
        guard value.count >= Self.mandatoryLength else {
            throw .truncated(needed: Self.mandatoryLength, available: value.count, offset: 0)
        }
        startsFrame = value[0] & 0x80 != 0
        endsFrame = value[0] & 0x40 != 0
        template = value[0] & 0x3F
        frameNumber = UInt16(value[1]) << 8 | UInt16(value[2])
        guard value.count > Self.mandatoryLength else {
            guard current?.template(template) != nil else { throw .invalid(field: "frame_dependency_template_id") }
            return
        }
        var reader = BitReader((Self.mandatoryLength..<value.count).map { value[$0] })
        let hasStructure = try reader.readFlag()
        let hasActiveDecodeTargets = try reader.readFlag()
        let hasIndications = try reader.readFlag()
        let hasDistances = try reader.readFlag()
        let hasChains = try reader.readFlag()
        if hasStructure {
            // Only the first packet of a frame may bring one.
            guard startsFrame else { throw .invalid(field: "template_dependency_structure_present_flag") }
            structure = try DependencyStructure(parsing: &reader)
        }
        guard let known = structure ?? current, known.template(template) != nil else {
            throw .invalid(field: "frame_dependency_template_id")
        }
        let targets = known.decodeTargets.count
        if hasActiveDecodeTargets { activeDecodeTargets = try reader.readBits(targets) }
        if hasIndications { indications = try reader.readIndications(targets) }
        if hasDistances { distances = try Self.readDistances(&reader) }
        if hasChains {
            var chains: [UInt8] = []
            for _ in 0..<known.chainCount { chains.append(UInt8(truncatingIfNeeded: try reader.readBits(8))) }
            chainDistances = chains
        }
    }

    /// `frame_fdiffs`: each entry says of how many times four bits the next one is.
    private static func readDistances(_ reader: inout BitReader) throws(ParseError) -> [UInt16] {
        var distances: [UInt16] = []
        while true {
            let size = Int(try reader.readBits(2))
            guard size > 0 else { return distances }
            guard distances.count < DependencyStructure.maximumDistances else { throw .invalid(field: "frame_fdiffs") }
            distances.append(UInt16(truncatingIfNeeded: try reader.readBits(4 * size)) + 1)
        }
    }

    /// Where ``written(targets:)`` puts the active decode targets, in bits from the start.
    ///
    /// Meaningless without ``activeDecodeTargets``.
    package var activeDecodeTargetsOffset: Int {
        let start = Self.mandatoryLength * 8 + 5
        guard let structure else { return start }
        var writer = BitWriter()
        structure.write(to: &writer)
        return start + writer.count
    }

    /// The element's bytes.
    ///
    /// Numbers take the fewest bits they can, as senders write them.
    ///
    /// - Parameter targets: Decode targets of the structure that the descriptor belongs to.
    /// - Returns: Three bytes for a descriptor that has nothing of its own; more than ``maximumLength`` only for structures
    ///   that no encoder has.
    package func written(targets: Int) -> [UInt8] {
        var writer = BitWriter()
        writer.write(startsFrame)
        writer.write(endsFrame)
        writer.write(UInt32(template), width: 6)
        writer.write(UInt32(frameNumber), width: 16)
        let flags = [
            structure != nil, activeDecodeTargets != nil, indications != nil, distances != nil, chainDistances != nil,
        ]
        guard flags.contains(true) else { return writer.aligned() }
        for flag in flags { writer.write(flag) }
        structure?.write(to: &writer)
        if let activeDecodeTargets { writer.write(activeDecodeTargets, width: targets) }
        if let indications { writer.write(indications) }
        if let distances {
            for distance in distances {
                let size = distance <= 16 ? 1 : distance <= 256 ? 2 : 3
                writer.write(UInt32(size), width: 2)
                writer.write(UInt32(distance - 1), width: 4 * size)
            }
            writer.write(0, width: 2)
        }
        for distance in chainDistances ?? [] { writer.write(UInt32(distance), width: 8) }
        return writer.aligned()
    }
}
