import Media
import Primitives
import TestSupport
import Testing

@Suite("Dependency descriptors, AV1 RTP specification, appendix A")
struct DependencyDescriptorTests {
    private static func parse(
        _ bytes: [UInt8], _ current: DependencyStructure? = nil
    ) throws -> DependencyDescriptor {
        try DependencyDescriptor(parsing: bytes.span, current: current)
    }

    private static func structure(_ real: RealDescriptors = .spatialByKeys) throws -> DependencyStructure {
        try #require(try parse(real.key).structure)
    }

    @Test func `a key frame brings the structure, and later frames refer to it`() throws {
        let key = try Self.parse(RealDescriptors.temporal.key)
        #expect(key.startsFrame && !key.endsFrame && key.frameNumber == 4 && key.template == 2)
        let structure = try #require(key.structure)
        #expect(structure.decodeTargets.map(\.temporalLayer) == [0, 1, 2])
        #expect(structure.sizes == [PictureSize(width: 640, height: 360)])
        #expect(structure.allDecodeTargets == 0b111 && structure.chainCount == 1 && structure.templates.count == 5)
        let later = try Self.parse([0xC4, 0, 6], structure)
        #expect(later.startsFrame && later.endsFrame && later.structure == nil)
        let template = try #require(structure.template(later.template))
        #expect(template.temporalLayer == 1 && template.distances == [2] && template.chainDistances == [2])
        #expect(template.indications == [.notPresent, .discardable, .switching])
    }

    @Test func `decode targets have the highest layers of their frames`() throws {
        let targets = try Self.structure().decodeTargets
        #expect(targets.map(\.spatialLayer) == [0, 0, 0, 1, 1, 1])
        #expect(targets.map(\.temporalLayer) == [0, 1, 2, 0, 1, 2])
    }

    @Test func `a frame may differ from its template`() throws {
        let structure = try Self.structure()
        let custom = try Self.parse(RealDescriptors.bytes("c400081a401810"), structure)
        #expect(custom.distances == [3] && custom.chainDistances == [3, 2] && custom.indications == nil)
        var written = custom
        written.activeDecodeTargets = 0b000111
        written.distances = [2, 200, 4000]
        let again = try Self.parse(written.written(targets: 6), structure)
        #expect(again == written)
    }

    @Test(arguments: RealDescriptors.all)
    func `descriptors of Chromium are written as they were read`(real: RealDescriptors) throws {
        let structure = try Self.structure(real)
        let targets = structure.decodeTargets.count
        #expect(try Self.parse(real.key).written(targets: targets) == real.key)
        for template in (real.keyTemplates + real.start.joined() + real.period.joined()) {
            let bytes = [0x80 | template, 0x12, 0x34]
            #expect(try Self.parse(bytes, structure).written(targets: targets) == bytes)
        }
    }

    @Test func `descriptors with fields of their own are written as they were read`() throws {
        let structure = try Self.structure()
        for bytes in RealDescriptors.custom {
            #expect(try Self.parse(bytes, structure).written(targets: 6) == bytes)
        }
    }

    @Test func `the mask of active decode targets lies where it is said to lie`() throws {
        for real in RealDescriptors.all {
            var key = try Self.parse(real.key)
            let structure = try #require(key.structure)
            let count = structure.decodeTargets.count
            key.activeDecodeTargets = 1
            let low = key.written(targets: count)
            key.activeDecodeTargets = 0
            let none = key.written(targets: count)
            let bit = key.activeDecodeTargetsOffset + count - 1
            let different = zip(low, none).enumerated().filter { $1.0 != $1.1 }
            #expect(different.map(\.offset) == [bit / 8])
            #expect(low[bit / 8] ^ none[bit / 8] == 0x80 >> UInt8(bit % 8))
        }
    }

    @Test(arguments: RealDescriptors.all)
    func `every truncation throws, and so does what refers to nothing`(real: RealDescriptors) throws {
        let structure = try Self.structure(real)
        // Zeros that fill the last byte are no part of it.
        let padding = (try Self.parse(real.key).written(targets: 32)).last == 0 ? 1 : 0
        for count in 0..<(real.key.count - padding) {
            #expect(throws: ParseError.self) { try Self.parse(Array(real.key.prefix(count))) }
        }
        #expect(throws: ParseError.self) { try Self.parse([0xC0 | real.firstTemplate, 0, 1]) }
        #expect(throws: ParseError.self) { try Self.parse([0xC1, 0, 1], structure) }
        // A structure in the middle of a frame.
        var middle = real.key
        middle[0] &= 0x7F
        #expect(throws: ParseError.self) { try Self.parse(middle) }
    }

    @Test func `every truncation of a frame's own fields throws`() throws {
        let structure = try Self.structure()
        for bytes in RealDescriptors.custom {
            // Three bytes are a descriptor of their own.
            for count in Array(0..<3) + Array(4..<bytes.count) {
                #expect(throws: ParseError.self) { try Self.parse(Array(bytes.prefix(count)), structure) }
            }
        }
    }

    @Test func `more templates, layers or references than there can be are refused`() throws {
        func refuses(_ steps: [UInt32], distances: Int = 0) -> Bool {
            var writer = BitWriter()
            writer.write(0x80_0000, width: 24)
            writer.write(0b10000, width: 5)
            writer.write(0, width: 6)
            writer.write(0, width: 5)
            for step in steps { writer.write(step, width: 2) }
            writer.write(3, width: 2)
            for _ in 0...steps.count { writer.write(2, width: 2) }
            for _ in 0...steps.count {
                for _ in 0..<distances { writer.write(0b10001, width: 5) }
                writer.write(false)
            }
            writer.write(0, width: 2)
            return (try? Self.parse(writer.aligned())) == nil
        }
        #expect(!refuses(Array(repeating: 0, count: 63)))
        #expect(refuses(Array(repeating: 0, count: 64)))
        #expect(!refuses(Array(repeating: 1, count: 7)))
        #expect(refuses(Array(repeating: 1, count: 8)))
        #expect(!refuses(Array(repeating: 2, count: 3)))
        #expect(refuses(Array(repeating: 2, count: 4)))
        #expect(!refuses([], distances: 8))
        #expect(refuses([], distances: 9))
    }

    @Test func `any bytes are a descriptor or an error, and a descriptor can be written`() throws {
        var generator = SeededGenerator(seed: 5)
        var structure: DependencyStructure?
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            guard let descriptor = try? Self.parse(bytes, structure) else { continue }
            let known = try #require(descriptor.structure ?? structure)
            structure = known
            let written = descriptor.written(targets: known.decodeTargets.count)
            #expect(try Self.parse(written, known) == descriptor)
        }
        #expect(structure != nil)
    }
}
