import Media
import Primitives

extension RTMPServerSession {
    /// Message streams that one connection may create; encoders need one.
    private static let maximumMessageStreams: UInt32 = 8

    mutating func handleCommand(_ message: RTMPMessage) throws(RTMPError) {
        let command: Command
        do { command = try Command(message, limits: limits.amf) } catch { throw .malformed(error) }
        switch command.name {
        case "connect": connect(command)
        case "createStream": createStream(command)
        case "publish": try publish(command, on: message.streamID)
        case "FCUnpublish", "closeStream": endPublication()
        case "deleteStream": deleteStream(command)
        case "releaseStream", "FCPublish", "_checkbw", "getStreamLength", "FCSubscribe":
            answer(command, .result(command.transactionID, [.null, .undefined]))
        case "play", "play2":
            sendStatus(
                "error",
                RTMPStatusCode.playFailed,
                "watch by WebRTC, on the page /play/<stream>",
                on: message.streamID
            )
        case "_result", "_error", "onStatus": break
        default:
            answer(
                command,
                .error(
                    command.transactionID,
                    code: RTMPStatusCode.callFailed,
                    description: "unknown command"
                )
            )
        }
    }

    /// Sends `reply` unless the peer wants none (RTMP 1.0, section 7.2.1.2: transaction id 0).
    private mutating func answer(_ command: Command, _ reply: Command) {
        guard command.transactionID != 0 else { return }
        outbox.send(reply.message)
    }

    private mutating func connect(_ command: Command) {
        guard connection == nil else {
            answer(
                command,
                .error(
                    command.transactionID,
                    code: RTMPStatusCode.connectRejected,
                    description: "already connected"
                )
            )
            return
        }
        let object = command.values.first?.members ?? [:]
        connection = (object["app"]?.string ?? "", object["tcUrl"]?.string ?? "")
        outbox.send(.control(.windowAcknowledgementSize, Acknowledger.defaultWindow))
        outbox.send(.setPeerBandwidth(Acknowledger.defaultWindow))
        outbox.send(.control(.setChunkSize, Outbox.chunkSize))
        // Answered whatever the transaction id: there is no connection without this result.
        outbox.send(Command.result(command.transactionID, ServerCapabilities.connectResult).message)
    }

    private mutating func createStream(_ command: Command) {
        guard connection != nil, lastStreamID < Self.maximumMessageStreams else {
            answer(
                command,
                .error(
                    command.transactionID,
                    code: RTMPStatusCode.callFailed,
                    description: connection == nil ? "connect first" : "too many streams"
                )
            )
            return
        }
        lastStreamID += 1
        outbox.send(Command.result(command.transactionID, [.null, .number(Double(lastStreamID))]).message)
    }

    /// `publish`: the command object, the stream's name and a type, which is always live here.
    private mutating func publish(_ command: Command, on streamID: UInt32) throws(RTMPError) {
        guard let connection else {
            throw .refused(code: RTMPStatusCode.connectRejected, description: "connect first")
        }
        guard phase == .connected else {
            throw .refused(
                code: RTMPStatusCode.publishBadName,
                description: "one connection publishes one stream at a time"
            )
        }
        let playpath = command.values.dropFirst().first?.string ?? ""
        do {
            let request = try PublishRequest(app: connection.app, tcURL: connection.tcURL, playpath: playpath)
            phase = .deciding(streamID: streamID)
            outbox.append(.publishRequested(request))
        } catch {
            fail(.refused(code: RTMPStatusCode.publishBadName, description: error.description), on: streamID)
        }
    }

    private mutating func deleteStream(_ command: Command) {
        guard case .publishing(let streamID) = phase, let number = command.values.dropFirst().first?.number,
            UInt32(exactly: number) == streamID
        else { return }
        endPublication()
    }

    private mutating func endPublication() {
        guard case .publishing(let streamID) = phase else { return }
        sendStatus("status", RTMPStatusCode.unpublishSuccess, "Unpublished.", on: streamID)
        phase = .connected
        timers.stoppedPublishing()
        outbox.append(.unpublished)
    }
}

/// What we tell a client about ourselves in answer to `connect`.
enum ServerCapabilities {
    /// `FourCcInfoMask.CanForward` of Enhanced RTMP v2.
    private static let canForward = 4.0
    /// `CapsExMask`: ModEx (4) and nanosecond timestamp offsets (8), but not reconnect requests (1) or several tracks (2).
    private static let extendedCapabilities = 12.0

    /// The two values of `_result`: properties, then information (RTMP 1.0, section 7.2.1.1).
    static var connectResult: [AMF0Value] {
        var properties: AMF0Object = ["fmsVer": .string("FMS/3,5,7,7009"), "capabilities": .number(31)]
        let video = FourCC.supported(.video).map(\.name)
        let audio = FourCC.supported(.audio).map(\.name)
        properties.append("fourCcList", .strictArray((video + audio).map { .string($0) }))
        properties.append("videoFourCcInfoMap", .object(map(video)))
        properties.append("audioFourCcInfoMap", .object(map(audio)))
        properties.append("capsEx", .number(extendedCapabilities))
        let information: AMF0Object = [
            "level": .string("status"), "code": .string(RTMPStatusCode.connectSuccess),
            "description": .string("Connected."), "objectEncoding": .number(0),
        ]
        return [.object(properties), .object(information)]
    }

    private static func map(_ names: [String]) -> AMF0Object {
        var object = AMF0Object()
        for name in names { object.append(name, .number(canForward)) }
        return object
    }
}
