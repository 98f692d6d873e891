import Media

/// Follows the dependency descriptors of one track: which layer each packet is of, where a viewer may begin with one, and
/// what is to be sent on.
///
/// A viewer may begin with a higher temporal layer where every decode target of that layer has had a frame of a lower layer
/// that says "switch", and no frame of its own since that later ones could need. It may begin with a larger picture at a
/// frame that says "switch" and is predicted from its own picture alone.
///
/// Frames are numbered on through restarts of the publisher: receivers refuse a key frame whose number lies behind the last one's.
struct DependencyReader: Sendable {
    /// What the newest key frame says of the frames to come.
    private(set) var structure: DependencyStructure?
    /// Which decode targets the publisher makes.
    private var active: UInt32 = 0
    /// Decode targets that a viewer of the next lower temporal layer may be sent from the next frame of theirs on.
    private var open: UInt32 = 0
    /// The frame that ``structure`` came with.
    private var structureStart: UInt16 = 0
    /// Added to the publisher's frame numbers.
    private var offset: UInt16 = 0
    /// The newest frame, as it is sent on; `nil` before the first.
    private var newest: UInt16?
    /// The first frame of the picture that arrives.
    private var pictureStart: UInt16 = 0
    /// Whether what comes is of another source than ``newest``.
    private var isNewSource = true

    /// A frame number this far from the last one belongs to an encoder that has begun anew.
    private static let longestJump = 1000

    /// The publisher has ended; the next one's frames are numbered on.
    mutating func endSource() {
        structure = nil
        isNewSource = true
    }

    /// Reads the descriptor of the next packet.
    ///
    /// - Parameters:
    ///   - value: As it came.
    ///   - isNewPicture: Whether the packet before was of another picture.
    /// - Returns: The packet's layer, and what is to be kept behind it in the log: nothing where `value` is no descriptor. One
    ///   that cannot be understood here, as when its structure is on the way still, is of the lowest layer and sent on.
    /// - Complexity: O(1); allocates.
    mutating func read(_ value: Span<UInt8>, isNewPicture: Bool) -> (layer: PacketLayer, kept: [UInt8]) {
        let mandatory = DependencyDescriptor.mandatoryLength
        guard (mandatory...DependencyDescriptor.maximumLength).contains(value.count) else { return (.base, []) }
        guard var descriptor = try? DependencyDescriptor(parsing: value, current: structure),
            let known = descriptor.structure ?? structure, let template = known.template(descriptor.template)
        else {
            var bytes = (0..<value.count).map { value[$0] }
            let number = (UInt16(bytes[1]) << 8 | UInt16(bytes[2])) &+ offset
            bytes[1] = UInt8(truncatingIfNeeded: number >> 8)
            bytes[2] = UInt8(truncatingIfNeeded: number)
            return (.base, KeptDescriptor.bytes(bytes))
        }
        let place = place(&descriptor)
        take(descriptor, isBehind: place == .behind)
        var layer = PacketLayer(spatial: template.spatialLayer, temporal: template.temporalLayer)
        layer.endsLayer = descriptor.endsFrame
        if isNewPicture, place != .behind { pictureStart = descriptor.frameNumber }
        if place != .same {
            let indications = descriptor.indications ?? template.indications
            if descriptor.startsFrame, place != .behind {
                layer.beginsTemporal = isNewPicture && mayBegin(temporal: template.temporalLayer, in: known)
                layer.beginsSpatial =
                    template.spatialLayer > 0 && isSelfContained(descriptor, template)
                    && isSwitch(indications, spatial: template.spatialLayer, in: known)
            }
            note(indications, temporal: template.temporalLayer, isBehind: place == .behind, in: known)
        }
        return (layer, kept(descriptor, known))
    }

    // MARK: Numbers

    private enum Place { case ahead, same, behind }

    /// Gives a frame its number on the track, and says where it stands among those seen.
    private mutating func place(_ descriptor: inout DependencyDescriptor) -> Place {
        guard let last = newest else {
            isNewSource = false
            newest = descriptor.frameNumber
            return .ahead
        }
        let jump = Int(Int16(bitPattern: descriptor.frameNumber &+ offset &- last))
        if isNewSource || (descriptor.structure != nil && abs(jump) > Self.longestJump) {
            offset = last &+ 1 &- descriptor.frameNumber
            isNewSource = false
        }
        descriptor.frameNumber &+= offset
        let distance = Int16(bitPattern: descriptor.frameNumber &- last)
        guard distance > 0 else { return distance == 0 ? .same : .behind }
        newest = descriptor.frameNumber
        // What was missed could have been needed.
        if distance > 1 || !descriptor.startsFrame { open = 0 }
        return .ahead
    }

    // MARK: Layers

    /// Notes what a frame says of those to come.
    private mutating func take(_ descriptor: DependencyDescriptor, isBehind: Bool) {
        if let new = descriptor.structure {
            // One that comes late may still be the newest.
            let age = Int16(bitPattern: descriptor.frameNumber &- structureStart)
            guard structure == nil || age > 0 else { return }
            structure = new
            structureStart = descriptor.frameNumber
            active = new.allDecodeTargets
            open = 0
        }
        guard let mask = descriptor.activeDecodeTargets, let structure, !isBehind else { return }
        active = mask & structure.allDecodeTargets
    }

    /// Whether all decode targets of a temporal layer that the publisher makes may begin.
    private func mayBegin(temporal: UInt8, in known: DependencyStructure) -> Bool {
        var targets: UInt32 = 0
        for (target, layers) in known.decodeTargets.enumerated() where layers.temporalLayer == temporal {
            targets |= 1 << UInt32(target)
        }
        targets &= active
        return temporal > 0 && targets != 0 && open & targets == targets
    }

    /// Whether a frame is one to begin with in all decode targets of its size that have it.
    private func isSwitch(
        _ indications: [DecodeTargetIndication], spatial: UInt8, in known: DependencyStructure
    ) -> Bool {
        var isOne = false
        for (indication, layers) in zip(indications, known.decodeTargets) where layers.spatialLayer == spatial {
            guard indication == .switching || indication == .notPresent else { return false }
            if indication == .switching { isOne = true }
        }
        return isOne
    }

    /// Whether a frame needs none but those of its own picture, which are numbered in a row before it.
    private func isSelfContained(_ descriptor: DependencyDescriptor, _ template: DependencyStructure.Template) -> Bool {
        let before = descriptor.frameNumber &- pictureStart
        return (descriptor.distances ?? template.distances).allSatisfy { $0 <= before }
    }

    private mutating func note(
        _ indications: [DecodeTargetIndication], temporal: UInt8, isBehind: Bool, in known: DependencyStructure
    ) {
        for (target, layers) in known.decodeTargets.enumerated() {
            let bit = UInt32(1) << UInt32(target)
            switch indications[target] {
            // Those who begin later have this frame only if it is of a lower layer.
            case .switching where temporal < layers.temporalLayer: if !isBehind { open |= bit }
            case .switching, .required: if temporal == layers.temporalLayer { open &= ~bit }
            case .discardable, .notPresent: break
            }
        }
    }

    /// What the log keeps: where a frame begins, with the active decode targets, whether or not they have changed.
    private func kept(_ descriptor: DependencyDescriptor, _ known: DependencyStructure) -> [UInt8] {
        var descriptor = descriptor
        let targets = known.decodeTargets.map { PacketLayer(spatial: $0.spatialLayer, temporal: $0.temporalLayer) }
        guard descriptor.startsFrame else {
            return KeptDescriptor.bytes(descriptor.written(targets: targets.count))
        }
        let isOutdated = descriptor.structure != nil && descriptor.frameNumber != structureStart
        descriptor.activeDecodeTargets =
            descriptor.activeDecodeTargets ?? (isOutdated ? known.allDecodeTargets : active)
        return KeptDescriptor.bytes(
            descriptor.written(targets: targets.count), decodeTargets: targets,
            offset: descriptor.activeDecodeTargetsOffset)
    }
}
