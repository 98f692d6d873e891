import Gateway
import Telemetry

extension EventQueue.Item {
    /// As an event stream has it (HTML, section 9.2.5), with its data on one line as WHEP wants.
    var serverSentText: String {
        switch self {
        case .event(let event): "event: \(event.kind.rawValue)\ndata: \(event.json)\n\n"
        case .heartbeat: ":\n\n"
        }
    }
}

extension ViewerEvent {
    /// The data of the event, on one line.
    var json: String {
        switch self {
        case .active, .inactive, .reconnect(url: nil): "{}"
        case .reconnect(let url?): "{\"url\":\(JSONText.quote(url))}"
        case .viewerCount(let count): "{\"viewercount\":\(count)}"
        case .layers(let sections):
            "{"
                + sections.sorted { $0.key < $1.key }
                .map { "\"\($0)\":[\($1.map(\.json).joined(separator: ","))]" }.joined(separator: ",")
                + "}"
        }
    }
}

extension ViewerEvent.Layer {
    fileprivate var json: String {
        var members = ["\"rid\":\(JSONText.quote(name))", "\"bitrate\":\(bitrate)"]
        if let width, let height { members += ["\"width\":\(width)", "\"height\":\(height)"] }
        if let spatial { members.append("\"spatialLayerId\":\(spatial)") }
        if let temporal { members.append("\"temporalLayerId\":\(temporal)") }
        return "{\(members.joined(separator: ","))}"
    }
}
