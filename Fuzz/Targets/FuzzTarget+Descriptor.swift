import Media
import SFU

/// Dependency descriptors of one stream one after the other, each behind its length, whose highest bit begins a picture.
func fuzzDescriptor(_ input: Span<UInt8>) {
    var structure: DependencyStructure?
    var reader = LayerReader(codec: .av1)
    var timestamp: UInt32 = 0
    var offset = 0
    while offset < input.count {
        if input[offset] & 0x80 != 0 { timestamp &+= 3000 }
        let end = min(offset + 1 + Int(input[offset] & 0x7F), input.count)
        let bytes = input.extracting((offset + 1)..<end)
        offset = end
        let layer = reader.read(Span(), timestamp: timestamp, descriptor: bytes)
        precondition(layer.spatial < 4 && reader.sizes.count <= 4, "what a descriptor says is bounded")
        writeKept(reader.keptDescriptor)
        guard let descriptor = try? DependencyDescriptor(parsing: bytes, current: structure) else { continue }
        if let new = descriptor.structure { structure = new }
        guard let structure else { continue }
        let written = descriptor.written(targets: structure.decodeTargets.count)
        let again = try? DependencyDescriptor(parsing: written.span, current: structure)
        precondition(again == descriptor, "what was read can be written")
    }
}

/// Writes what a log would keep, for a viewer who is sent little.
private func writeKept(_ kept: [UInt8]) {
    kept.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
        let descriptor = KeptDescriptor(at: start)
        precondition(descriptor.storage.count == bytes.count, "it tells its own length")
        withUnsafeTemporaryAllocation(byteCount: descriptor.length, alignment: 8) { output in
            guard let place = output.baseAddress else { return }
            descriptor.write(to: place, limit: LayerLimit(spatial: 0, temporal: 0), shift: 7)
        }
    }
}
