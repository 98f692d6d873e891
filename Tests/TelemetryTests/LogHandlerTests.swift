import Foundation
import Logging
import Synchronization
import Telemetry
import Testing

/// Collects the lines of a logger.
private final class Lines: Sendable {
    private let storage = Mutex<[String]>([])
    var all: [String] { storage.withLock { $0 } }
    var output: LogOutput { LogOutput { line in self.storage.withLock { $0.append(line) } } }
}

private let instant = Timestamp(milliseconds: 1_795_390_800_007)

@Suite("JSON log")
struct JSONLogHandlerTests {
    private let lines = Lines()

    private func logger(level: Logger.Level = .info) -> Logger {
        Logger(label: "martlet.test") { [lines] label in
            JSONLogHandler(label: label, level: level, nodeName: "node-1", output: lines.output) { instant }
        }
    }

    private func object() throws -> [String: Any] {
        let line = try #require(lines.all.first)
        return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test func `an event is one object with the names of ECS`() throws {
        logger().info("Stream started", metadata: [LogKeys.stream: "cam", LogKeys.status: .stringConvertible(201)])
        let object = try object()
        #expect(object["@timestamp"] as? String == instant.text)
        #expect(object["log.level"] as? String == "info")
        #expect(object["message"] as? String == "Stream started")
        #expect(object["log.logger"] as? String == "martlet.test")
        #expect(object["service.name"] as? String == "martlet")
        #expect(object["service.node.name"] as? String == "node-1")
        #expect(object["martlet.stream"] as? String == "cam")
        #expect(object["http.response.status_code"] as? Int == 201)
        #expect(lines.all.first?.hasSuffix("}\n") == true)
    }

    @Test func `hostile text stays inside its string`() throws {
        let hostile = "a\"b\\c\nd\u{1}\u{1B}[31m\u{2028}\u{7F}é🦅\",\"log.level\":\"error"
        logger().info("Refused", metadata: [LogKeys.userAgent: .string(hostile), "key\"\n": .string("x")])
        let line = try #require(lines.all.first)
        #expect(line.dropLast().allSatisfy { !$0.isNewline })
        #expect(!line.contains("\u{1B}"))
        #expect(try object()[LogKeys.userAgent] as? String == hostile)
        #expect(try object()["log.level"] as? String == "info")
    }

    @Test func `the event wins over the logger and the logger over nothing`() throws {
        var logger = logger()
        logger[metadataKey: "a"] = "logger"
        logger[metadataKey: "b"] = "logger"
        logger.info("x", metadata: ["b": "event"])
        #expect(try object()["a"] as? String == "logger")
        #expect(try object()["b"] as? String == "event")
        #expect(logger[metadataKey: "a"] == "logger")
    }

    @Test func `arrays and dictionaries stay what they are`() throws {
        logger().info("x", metadata: ["list": ["a", "b"], "map": ["k": "v"], "yes": .stringConvertible(true)])
        #expect(try object()["list"] as? [String] == ["a", "b"])
        #expect(try object()["map"] as? [String: String] == ["k": "v"])
        #expect(try object()["yes"] as? Bool == true)
    }

    @Test func `an error is a field of its own`() throws {
        struct Broken: Error, CustomStringConvertible { var description: String { "broken pipe" } }
        logger().log(level: .error, "Lost", error: Broken())
        #expect(try object()[LogKeys.errorMessage] as? String == "broken pipe")
    }

    @Test func `what is less important than the level is not written`() {
        logger(level: .warning).info("x")
        #expect(lines.all.isEmpty)
    }
}

@Suite("Text log")
struct TextLogHandlerTests {
    private let lines = Lines()

    private var logger: Logger {
        Logger(label: "http") { [lines] label in
            TextLogHandler(label: label, level: .info, output: lines.output) { instant }
        }
    }

    @Test func `an event is one readable line`() {
        logger.warning("Port is taken", metadata: [LogKeys.serverPort: "8080", LogKeys.errorMessage: "in use"])
        #expect(lines.all == ["23:40:00.007 WARN   Port is taken message=\"in use\" port=8080 (http)\n"])
    }

    @Test func `names that end alike are written out`() {
        logger.info("Started", metadata: ["http.port": "1", "rtmp.port": "2", "node": "n"])
        #expect(lines.all == ["23:40:00.007 info   Started http.port=1 node=n rtmp.port=2 (http)\n"])
    }

    @Test func `text from the network cannot break the line or steer the terminal`() {
        logger.info("Refused \u{1B}[2J", metadata: [LogKeys.userAgent: "x\n\u{1B}]0;title\u{7}"])
        let line = lines.all.joined()
        #expect(line.count(where: \.isNewline) == 1)
        #expect(!line.unicodeScalars.dropLast().contains { $0.value < 0x20 })
    }
}

@Suite("Timestamps")
struct TimestampTests {
    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"), (4_102_444_800_001, "2100-01-01T00:00:00.001Z"),
    ])
    func `a moment is written in UTC`(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).text == text)
    }
}
