package import Logging

/// Writes lines for people at a terminal: time, level, message, and what belongs to it.
package struct TextLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let output: LogOutput
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - label: Which part of the program speaks.
    ///   - level: The least important level to write.
    ///   - output: Where lines go.
    ///   - now: The clock.
    package init(
        label: String,
        level: Logger.Level,
        output: LogOutput = .standardError,
        now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.label = label
        self.output = output
        self.now = now
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let time = now().text.dropFirst(11).dropLast()
        var line = "\(time) \(Self.word(for: event.level)) \(Self.printable(event.message.description))"
        let fields = LogFields(metadata, metadataProvider, event).merged
        let lastParts = fields.map { field in field.key.split(separator: ".").last.map(String.init) ?? field.key }
        for ((key, value), lastPart) in zip(fields, lastParts) {
            // The last part of a name is enough for eyes, unless two end alike.
            let isUnique = lastParts.count { $0 == lastPart } == 1
            line += " \(Self.printable(isUnique ? lastPart : key))=\(Self.quoted("\(value)"))"
        }
        output("\(line) (\(label))\n")
    }

    private static func word(for level: Logger.Level) -> String {
        switch level {
        case .trace: "trace "
        case .debug: "debug "
        case .info: "info  "
        case .notice: "notice"
        case .warning: "WARN  "
        case .error: "ERROR "
        case .critical: "FATAL "
        }
    }

    /// Text from the network must neither break the line nor steer the terminal.
    private static func printable(_ text: String) -> String {
        String(JSONText.quote(text).dropFirst().dropLast()).replacing("\\\"", with: "\"")
    }

    private static func quoted(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
        return isPlain ? text : JSONText.quote(text)
    }
}
