import Foundation
import GatewayConfiguration
import Testing

@Suite("config/martlet.yaml")
struct SampleFileTests {
    private static func sample() throws -> (text: String, file: SettingsFile) {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "config/martlet.yaml"), encoding: .utf8)
        return (text, try SettingsFile(yaml: text, path: "martlet.yaml"))
    }

    @Test func `the file holds every key and nothing else`() throws {
        let keys = Set(try Self.sample().file.entries.keys)
        #expect(keys == Set(Setting.all.map(\.key)))
    }

    @Test func `loading the file changes nothing`() throws {
        let loaded = try SettingsLoader(file: try Self.sample().file).load()
        #expect(loaded.settings == Settings())
        #expect(loaded.warnings.isEmpty)
    }

    @Test(arguments: Setting.all.map(\.key))
    func `the file writes the default out`(key: String) throws {
        let setting = try #require(Setting.all.first { $0.key == key })
        let entry = try #require(try Self.sample().file.entries[key])
        #expect(entry.text == setting.value(in: Settings()))
    }

    @Test func `the keys stand in the order of the table`() throws {
        let entries = try Self.sample().file.entries
        let lines = Setting.all.compactMap { entries[$0.key]?.line }
        #expect(lines.count == Setting.all.count)
        #expect(lines == lines.sorted())
    }

    @Test func `every block of keys has a comment`() throws {
        let (text, file) = try Self.sample()
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for section in Set(file.entries.keys.compactMap { $0.split(separator: ".").first }) {
            let start = try #require(lines.firstIndex { $0 == "\(section):" })
            let block = lines[start...].prefix { !$0.isEmpty }
            #expect(block.contains { $0.drop(while: { $0 == " " }).hasPrefix("#") }, "\(section)")
        }
    }
}
