import Primitives

/// A remote procedure call: what message types 20 and 17 carry (RTMP 1.0, section 7.2).
struct Command: Equatable, Sendable {
    var name: String
    /// 0 when no answer is expected.
    var transactionID: Double
    /// The command object first, then the arguments.
    var values: [AMF0Value]

    init(name: String, transactionID: Double, values: [AMF0Value]) {
        self.name = name
        self.transactionID = transactionID
        self.values = values
    }

    /// Parses the body of a command message.
    ///
    /// A missing transaction id counts as 0: some encoders leave it out where they want no answer.
    init(_ message: RTMPMessage, limits: AMF0Limits) throws(ParseError) {
        var values = try Self.values(of: message, limits: limits)[...]
        guard case .string(let name)? = values.popFirst() else { throw .invalid(field: "command name") }
        self.name = name
        transactionID = 0
        if case .number(let id)? = values.first {
            transactionID = id
            values.removeFirst()
        }
        self.values = Array(values)
    }

    /// The AMF0 values of a command or data message.
    ///
    /// Messages of the AMF3 types begin with a byte that says in which format the rest is; 0 is AMF0,
    /// which is what clients use for everything but typed objects.
    static func values(of message: RTMPMessage, limits: AMF0Limits) throws(ParseError) -> [AMF0Value] {
        var body = message.payload.span
        if message.type == .commandAMF3 || message.type == .dataAMF3, !body.isEmpty {
            guard body[0] == 0 else { throw .invalid(field: "AMF3 envelope") }
            body = body.extracting(1..<body.count)
        }
        var reader = AMF0Reader(body, limits: limits)
        return try reader.readAll()
    }

    var message: RTMPMessage { message(on: 0) }

    func message(on streamID: UInt32) -> RTMPMessage {
        var writer = ByteWriter()
        writer.writeAMF0([.string(name), .number(transactionID)] + values)
        return RTMPMessage(type: .commandAMF0, streamID: streamID, payload: writer.bytes)
    }
}

extension Command {
    static func result(_ transactionID: Double, _ values: [AMF0Value]) -> Command {
        Command(name: "_result", transactionID: transactionID, values: values)
    }

    static func error(_ transactionID: Double, code: String, description: String) -> Command {
        Command(
            name: "_error",
            transactionID: transactionID,
            values: [.null, .object(status(level: "error", code: code, description: description))]
        )
    }

    static func onStatus(level: String, code: String, description: String) -> Command {
        Command(
            name: "onStatus",
            transactionID: 0,
            values: [.null, .object(status(level: level, code: code, description: description))]
        )
    }

    private static func status(level: String, code: String, description: String) -> AMF0Object {
        ["level": .string(level), "code": .string(code), "description": .string(description)]
    }
}

/// The codes of `onStatus` and `_error` (RTMP 1.0, section 7.2) that encoders know.
package enum RTMPStatusCode {
    package static let connectSuccess = "NetConnection.Connect.Success"
    package static let connectRejected = "NetConnection.Connect.Rejected"
    package static let callFailed = "NetConnection.Call.Failed"
    package static let publishStart = "NetStream.Publish.Start"
    /// The name is invalid or taken.
    package static let publishBadName = "NetStream.Publish.BadName"
    /// The credential is missing, wrong or not good for this stream.
    package static let publishDenied = "NetStream.Publish.Denied"
    /// What is sent cannot be carried, or the gateway cannot take it now.
    package static let publishFailed = "NetStream.Publish.Failed"
    package static let unpublishSuccess = "NetStream.Unpublish.Success"
    package static let playFailed = "NetStream.Play.Failed"
}
