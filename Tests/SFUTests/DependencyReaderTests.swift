import Media
import Primitives
import SFU
import TestSupport
import Testing

@Suite("Layers of AV1 by dependency descriptors")
struct DependencyReaderTests {
    /// A reader, and what comes in.
    private struct Run {
        var reader = LayerReader(codec: .av1)
        var timestamp: UInt32 = 0

        /// A frame of one packet; `isNew` tells whether it begins a picture.
        mutating func frame(
            _ number: UInt16, _ template: UInt8, isNew: Bool = true, starts: Bool = true, ends: Bool = true
        ) -> PacketLayer {
            packet(
                [
                    (starts ? 0x80 : 0) | (ends ? 0x40 : 0) | template, UInt8(number >> 8),
                    UInt8(truncatingIfNeeded: number),
                ], isNew: isNew)
        }

        mutating func packet(_ descriptor: [UInt8], isNew: Bool = true) -> PacketLayer {
            if isNew { timestamp &+= 3000 }
            return reader.read([0, 1, 2].span, timestamp: timestamp, descriptor: descriptor.span)
        }

        /// The number of the frame under which the last packet is sent on; `nil` without a descriptor.
        var number: UInt16? {
            reader.keptDescriptor.withUnsafeBytes { bytes in
                bytes.baseAddress.map { KeptDescriptor(at: $0).frameNumber }
            }
        }

        /// What the last packet says to a viewer.
        func sent(limit: LayerLimit = .none) -> [UInt8] { sentDescriptor(reader.keptDescriptor, limit: limit) }
    }

    private static func sentDescriptor(_ kept: [UInt8], limit: LayerLimit, shift: UInt16 = 0) -> [UInt8] {
        kept.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, !bytes.isEmpty else { return [] }
            let descriptor = KeptDescriptor(at: start)
            return withUnsafeTemporaryAllocation(byteCount: descriptor.length, alignment: 8) { output in
                guard let place = output.baseAddress else { return [] }
                descriptor.write(to: place, limit: limit, shift: shift)
                return Array(output)
            }
        }
    }

    @Test func `temporal layers begin behind a frame that says switch`() {
        var run = Run()
        #expect(run.packet(RealDescriptors.temporal.key) == Self.base(ends: false))
        #expect(run.reader.sizes == [PictureSize(width: 640, height: 360)])
        for (number, template, temporal) in [(5, 5, 2), (6, 4, 1), (7, 6, 2), (8, 3, 0), (9, 5, 2)]
            as [(UInt16, UInt8, UInt8)]
        {
            let layer = run.frame(number, template, ends: false)
            #expect(layer.temporal == temporal && layer.spatial == 0 && !layer.endsLayer)
            #expect(layer.beginsTemporal == (temporal > 0))
            let rest = run.frame(number, template, isNew: false, starts: false)
            #expect(rest.temporal == temporal && !rest.beginsTemporal && rest.endsLayer)
        }
    }

    private static func base(ends: Bool) -> PacketLayer {
        var layer = PacketLayer.base
        layer.endsLayer = ends
        return layer
    }

    @Test func `where frames were missed no layer begins before the next switch`() {
        var run = Run()
        _ = run.packet(RealDescriptors.temporal.key)
        _ = run.frame(5, 5)
        // Frame 6 is missing.
        #expect(!run.frame(7, 6).beginsTemporal)
        _ = run.frame(8, 3)
        #expect(run.frame(9, 5).beginsTemporal)
        // The one that says switch comes late: what was in between could have been missed.
        #expect(!run.frame(11, 6).beginsTemporal)
        #expect(!run.frame(10, 3).beginsTemporal)
        #expect(!run.frame(12, 4).beginsTemporal)
        // This one was of the lower layer and says switch for the next.
        #expect(run.frame(13, 5).beginsTemporal)
    }

    @Test func `a larger picture begins where it needs only its own picture and says switch`() {
        var run = Run()
        _ = run.packet(RealDescriptors.spatialByKeys.key)
        let first = run.frame(7, 7, isNew: false)
        #expect(first.spatial == 1 && first.beginsSpatial && !first.beginsTemporal)
        _ = run.frame(8, 5)
        #expect(!run.frame(9, 10, isNew: false).beginsSpatial)
        _ = run.frame(10, 3)
        #expect(!run.frame(11, 8, isNew: false).beginsSpatial)
    }

    @Test func `the mask of decode targets is there at every frame, less what the viewer is not sent`() throws {
        var run = Run()
        let bytes = RealDescriptors.spatialByKeys.key
        _ = run.packet(bytes)
        let key = try DependencyDescriptor(parsing: bytes.span, current: nil)
        let structure = try #require(key.structure)
        func mask(_ bytes: [UInt8]) throws -> UInt32? {
            try DependencyDescriptor(parsing: bytes.span, current: structure).activeDecodeTargets
        }
        for template in [7, 5, 10] as [UInt8] {
            #expect(try mask(run.sent()) == 0b111111)
            #expect(try mask(run.sent(limit: LayerLimit(spatial: 0))) == 0b000111)
            #expect(try mask(run.sent(limit: LayerLimit(temporal: 0))) == 0b001001)
            #expect(try mask(run.sent(limit: LayerLimit(spatial: 0, temporal: 1))) == 0b000011)
            _ = run.frame(UInt16(template) + 100, template)
        }
        // The rest of a frame says no more than it must.
        _ = run.frame(110, 10, isNew: false, starts: false)
        #expect(run.sent(limit: LayerLimit(spatial: 0)) == [0x4A, 0, 110])
    }

    @Test func `decode targets that the publisher does not make stay inactive`() throws {
        var run = Run()
        let bytes = RealDescriptors.spatialByKeys.key
        var key = try DependencyDescriptor(parsing: bytes.span, current: nil)
        let structure = try #require(key.structure)
        key.activeDecodeTargets = 0b000111
        _ = run.packet(key.written(targets: 6))
        #expect(!run.frame(7, 3).beginsTemporal)
        // Only the smaller picture's targets must be open.
        #expect(run.frame(8, 5).beginsTemporal)
        let sent = run.sent(limit: LayerLimit(temporal: 0))
        #expect(try DependencyDescriptor(parsing: sent.span, current: structure).activeDecodeTargets == 0b000001)
    }

    @Test func `frames are numbered on when another publisher takes over, and when one begins anew`() {
        var run = Run()
        _ = run.packet(RealDescriptors.temporal.key)
        _ = run.frame(5, 5)
        run.reader.endSource()
        _ = run.packet(RealDescriptors.spatial.key)
        #expect(run.number == 6)
        _ = run.frame(7, 8, isNew: false)
        #expect(run.number == 7)
        var again = RealDescriptors.temporal.key
        again[1] = 0x80
        _ = run.packet(again)
        #expect(run.number == 8)
        _ = run.frame(0x8005, 5)
        #expect(run.number == 9)
    }

    @Test func `the number is shifted for a viewer who comes from another layer`() {
        var run = Run()
        _ = run.packet(RealDescriptors.temporal.key)
        _ = run.frame(6, 3)
        #expect(Self.sentDescriptor(run.reader.keptDescriptor, limit: .none, shift: 0xFFFB)[1...2] == [0, 1])
    }

    @Test func `what cannot be understood is sent on, and what is no descriptor is not`() {
        var run = Run()
        #expect(run.frame(3, 9) == .base)
        #expect(run.sent() == [0xC9, 0, 3])
        #expect(run.packet([]) == .base && run.sent().isEmpty)
        #expect(run.packet([0x80, 1]) == .base && run.sent().isEmpty)
        #expect(run.packet([UInt8](repeating: 0x80, count: 255)) == .base)
        #expect(run.sent() == [UInt8](repeating: 0x80, count: 255))
        #expect(run.packet([UInt8](repeating: 0x80, count: 256)) == .base && run.sent().isEmpty)
    }

    @Test func `AV1 without descriptors is one layer`() {
        var reader = LayerReader(codec: .av1)
        #expect(reader.read([0x18, 1, 2].span, timestamp: 0) == .base)
        #expect(reader.keptDescriptor.isEmpty)
    }

    @Test func `any bytes are of some layer, and what is kept is bounded`() {
        var generator = SeededGenerator(seed: 12)
        var run = Run()
        _ = run.packet(RealDescriptors.spatial.key)
        for _ in 0..<3000 {
            var bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) {
                bytes = RealDescriptors.spatial.key
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^=
                    1 << UInt8.random(in: 0...7, using: &generator)
            }
            let layer = run.packet(bytes, isNew: Bool.random(using: &generator))
            #expect(layer.spatial < 4 && layer.temporal < 8 && run.reader.sizes.count <= 4)
            #expect(run.reader.keptDescriptor.count <= 2 + 255 + 32 + 2)
            _ = run.sent(limit: LayerLimit(spatial: 0, temporal: 1))
        }
    }
}
