package import Logging

/// Writes one JSON object a line, with the field names of the Elastic Common Schema.
package struct JSONLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let nodeName: String
    private let output: LogOutput
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - label: Which part of the program speaks.
    ///   - level: The least important level to write.
    ///   - nodeName: The name of this gateway among others.
    ///   - output: Where lines go.
    ///   - now: The clock.
    package init(
        label: String,
        level: Logger.Level,
        nodeName: String,
        output: LogOutput = .standardError,
        now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.label = label
        self.nodeName = nodeName
        self.output = output
        self.now = now
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var line = "{\"@timestamp\":\"\(now().text)\",\"log.level\":\"\(event.level)\""
        line += ",\"message\":\(JSONText.quote(event.message.description)),\"log.logger\":\(JSONText.quote(label))"
        line += ",\"service.name\":\"\(BuildInformation.name)\",\"service.version\":\"\(BuildInformation.version)\""
        line += ",\"service.node.name\":\(JSONText.quote(nodeName)),\"ecs.version\":\"8.11.0\""
        for (key, value) in LogFields(metadata, metadataProvider, event).merged {
            line += ",\(JSONText.quote(key)):\(Self.text(of: value))"
        }
        output(line + "}\n")
    }

    private static func text(of value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): JSONText.quote(text)
        case .stringConvertible(let value as any FixedWidthInteger): value.description
        case .stringConvertible(let value as Bool): value.description
        case .stringConvertible(let value): JSONText.quote(value.description)
        case .array(let values): "[" + values.map(text(of:)).joined(separator: ",") + "]"
        case .dictionary(let values):
            "{"
                + values.sorted { $0.key < $1.key }
                .map { "\(JSONText.quote($0.key)):\(text(of: $0.value))" }.joined(separator: ",") + "}"
        }
    }
}
