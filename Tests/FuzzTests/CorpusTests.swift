import Foundation
import FuzzTargets
import Testing

/// Every input that a fuzzer was started with or has ever found, once more.
@Suite("Fuzzing corpora")
struct CorpusTests {
    @Test(arguments: FuzzTarget.allCases)
    func `no input of the corpus breaks its parser`(target: FuzzTarget) throws {
        let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fuzz/Corpus/\(target.rawValue)")
        let files = try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
        #expect(!files.isEmpty)
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file))
            // Whole, cut short anywhere, and with one bit wrong anywhere.
            target.run(bytes.span)
            for length in 0..<min(bytes.count, 400) {
                target.run(bytes.span.extracting(first: length))
            }
            for position in bytes.indices.prefix(400) {
                var changed = bytes
                changed[position] ^= UInt8(1) << UInt8(position % 8)
                target.run(changed.span)
            }
        }
    }
}
