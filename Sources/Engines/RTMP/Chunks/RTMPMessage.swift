/// One RTMP message, whole.
package struct RTMPMessage: Equatable, Sendable {
    package var type: MessageType
    /// 0 for the connection, otherwise what `createStream` returned.
    package var streamID: UInt32
    /// Milliseconds since an origin of the sender's choosing; wraps after 49 days.
    package var timestamp: UInt32
    package var payload: [UInt8]

    package init(type: MessageType, streamID: UInt32 = 0, timestamp: UInt32 = 0, payload: [UInt8]) {
        self.type = type
        self.streamID = streamID
        self.timestamp = timestamp
        self.payload = payload
    }
}

/// What a message carries (RTMP 1.0, sections 5.4 and 7.1).
package struct MessageType: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package static let setChunkSize = MessageType(rawValue: 1)
    package static let abort = MessageType(rawValue: 2)
    package static let acknowledgement = MessageType(rawValue: 3)
    package static let userControl = MessageType(rawValue: 4)
    package static let windowAcknowledgementSize = MessageType(rawValue: 5)
    package static let setPeerBandwidth = MessageType(rawValue: 6)
    package static let audio = MessageType(rawValue: 8)
    package static let video = MessageType(rawValue: 9)
    package static let dataAMF3 = MessageType(rawValue: 15)
    package static let commandAMF3 = MessageType(rawValue: 17)
    package static let dataAMF0 = MessageType(rawValue: 18)
    package static let commandAMF0 = MessageType(rawValue: 20)
    package static let aggregate = MessageType(rawValue: 22)

    /// Audio, video or several of them: messages that may be as large as a key frame.
    package var isMedia: Bool { self == .audio || self == .video || self == .aggregate }
}
