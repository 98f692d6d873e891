import Logging

/// The metadata of one event: the logger's own, the task's, and the event's, the last one winning.
struct LogFields {
    let merged: [(key: String, value: Logger.MetadataValue)]

    init(_ handler: Logger.Metadata, _ provider: Logger.MetadataProvider?, _ event: LogEvent) {
        var all = handler
        all.merge(provider?.get() ?? [:]) { $1 }
        all.merge(event.metadata ?? [:]) { $1 }
        if let error = event.error { all[LogKeys.errorMessage] = .string("\(error)") }
        merged = all.sorted { $0.key < $1.key }
    }
}
