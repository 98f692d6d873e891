import Foundation
import Telemetry

/// A JSON object under construction, its members in the order in which they were added.
struct JSONObject {
    private var members: [String] = []

    var text: String { "{" + members.joined(separator: ",") + "}" }

    mutating func add(_ name: String, _ value: String) { append(name, JSONText.quote(value)) }
    mutating func add(_ name: String, _ value: some BinaryInteger) { append(name, "\(value)") }
    mutating func add(_ name: String, _ value: JSONObject) { append(name, value.text) }

    /// Adds a number with at most three decimals; nothing for one that is not known.
    mutating func add(_ name: String, _ value: Double?) {
        guard let value, value.isFinite else { return }
        append(name, "\((value * 1_000).rounded() / 1_000)")
    }

    private mutating func append(_ name: String, _ value: String) {
        members.append("\(JSONText.quote(name)):\(value)")
    }
}

extension Double {
    /// With so many decimals, for people.
    func decimals(_ count: Int) -> String { String(format: "%.\(count)f", self) }
}
