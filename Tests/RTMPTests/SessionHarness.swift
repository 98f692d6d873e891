import Media
import Primitives
import RTMP
import TestSupport

/// A server session and a scripted peer that speaks chunks to it, in virtual time.
final class ServerHarness {
    private var server: RTMPServerSession
    private var reader = ChunkReader()
    private var writer = ChunkWriter()
    private var handshakeLeft = 1 + 2 * HandshakeLength.packet
    private(set) var now = Instant.zero
    /// Messages that the server sent, in order.
    private(set) var sent: [RTMPMessage] = []
    /// Everything but bytes.
    private(set) var outputs: [RTMPServerSession.Output] = []

    init(limits: RTMPLimits = RTMPLimits()) {
        var generator = SeededGenerator(seed: 3)
        server = RTMPServerSession(now: .zero, limits: limits, using: &generator)
    }

    var deadline: Instant? { server.deadline }

    func receive(_ bytes: [UInt8], pieces: Int = .max) throws {
        var offset = 0
        while offset < bytes.count {
            let end = pieces == .max ? bytes.count : min(offset + pieces, bytes.count)
            server.receive(bytes.span.extracting(offset..<end), at: now)
            try drain()
            offset = end
        }
    }

    func advance(to instant: Instant) throws {
        now = instant
        server.advance(to: instant)
        try drain()
    }

    /// Lets time pass without running timers, as when a message comes first.
    func wait(_ interval: Interval) { now = now + interval }

    func accept() throws {
        server.acceptPublish()
        try drain()
    }

    func refuse(code: String, description: String) throws {
        server.refusePublish(code: code, description: description)
        try drain()
    }

    func close(code: String, description: String) throws {
        server.close(code: code, description: description)
        try drain()
    }

    private func drain() throws {
        while let output = server.nextOutput() {
            guard case .send(let bytes) = output else {
                outputs.append(output)
                continue
            }
            let skipped = min(handshakeLeft, bytes.count)
            handshakeLeft -= skipped
            sent += try reader.receive(bytes.span.extracting(skipped..<bytes.count))
        }
    }

    // MARK: - The peer

    func send(_ message: RTMPMessage) throws {
        var bytes = ByteWriter()
        writer.write(message, chunkStreamID: message.type.isMedia ? 4 : 3, to: &bytes)
        try receive(bytes.bytes)
    }

    func command(_ name: String, _ transactionID: Double, _ values: [AMF0Value], on streamID: UInt32 = 0) throws {
        var body = ByteWriter()
        body.writeAMF0([.string(name), .number(transactionID)] + values)
        try send(RTMPMessage(type: .commandAMF0, streamID: streamID, payload: body.bytes))
    }

    func handshake() throws {
        try receive([3] + [UInt8](repeating: 0, count: 2 * HandshakeLength.packet))
    }

    func connect(app: String = "live", tcURL: String = "rtmp://localhost/live") throws {
        try handshake()
        try command("connect", 1, [.object(["app": .string(app), "tcUrl": .string(tcURL)])])
        try command("createStream", 2, [.null])
    }

    func publish(_ key: String = "cam") throws {
        try command("publish", 3, [.null, .string(key), .string("live")], on: 1)
    }

    /// From nothing to publishing.
    func goLive() throws {
        try connect()
        try publish()
        try accept()
    }

    func video(_ body: [UInt8], at timestamp: UInt32) throws {
        try send(RTMPMessage(type: .video, streamID: 1, timestamp: timestamp, payload: body))
    }

    func audio(_ body: [UInt8], at timestamp: UInt32) throws {
        try send(RTMPMessage(type: .audio, streamID: 1, timestamp: timestamp, payload: body))
    }

    // MARK: - What came out

    /// The commands among ``sent``, as their values.
    var commands: [[AMF0Value]] {
        sent.filter { $0.type == .commandAMF0 }.compactMap { message in
            var reader = AMF0Reader(message.payload.span)
            return try? reader.readAll()
        }
    }

    /// The members of the information object of the last `onStatus`.
    var lastStatus: AMF0Object? {
        commands.last { $0.first == .string("onStatus") }?.last?.members
    }

    var closed: RTMPError? {
        for case .closed(let error) in outputs { return error }
        return nil
    }

    var frames: [EncodedFrame] {
        outputs.compactMap { if case .frame(let frame) = $0 { frame } else { nil } }
    }

    var configurations: [CodecConfiguration] {
        outputs.compactMap { if case .configuration(let configuration) = $0 { configuration } else { nil } }
    }

    var warnings: [RTMPWarning] {
        outputs.compactMap { if case .warning(let warning) = $0 { warning } else { nil } }
    }

    var clockJumps: Int { outputs.count { if case .clockJump = $0 { true } else { false } } }

    var requests: [PublishRequest] {
        outputs.compactMap { if case .publishRequested(let request) = $0 { request } else { nil } }
    }
}

enum HandshakeLength {
    static let packet = 1_536
}

/// Bodies of messages that a publisher of H.264 and AAC sends.
enum SampleMedia {
    static let sps: [UInt8] = [0x67, 0x42, 0xC0, 0x1E, 0xD9]
    static let pps: [UInt8] = [0x68, 0xCE, 0x3C, 0x80]
    static let avcC: [UInt8] = [1, 0x42, 0xC0, 0x1E, 0xFF, 0xE1, 0, 5] + sps + [1, 0, 4] + pps
    static let videoHeader: [UInt8] = [0x17, 0, 0, 0, 0] + avcC
    static let audioHeader: [UInt8] = [0xAF, 0, 0x11, 0x90]
    static let idr: [UInt8] = [0, 0, 0, 2, 0x65, 0x88]
    static let slice: [UInt8] = [0, 0, 0, 2, 0x41, 0x9A]
    static let keyFrame: [UInt8] = [0x17, 1, 0, 0, 0] + idr
    static let frame: [UInt8] = [0x27, 1, 0, 0, 0] + slice
    static let audioFrame: [UInt8] = [0xAF, 1, 0x21, 0x10]
}
