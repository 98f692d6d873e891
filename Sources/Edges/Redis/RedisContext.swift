import CHiredis
import CLinux
import Glibc
import Primitives

/// A connection of hiredis in our own epoll loop; lives and is used on one thread.
final class RedisContext {
    enum Happening {
        case connected
        case replied(RedisValue)
        case lost(String)
    }

    /// Bytes of one answer at most; whoever sends more is given up.
    static let maximumReply = 4 << 20

    private let epoll: Int32
    private let token: UInt64
    /// `nil` when hiredis has freed it, or it was never made.
    private var context: UnsafeMutablePointer<redisAsyncContext>?
    private var descriptor: Int32 = -1
    private var wantsOutput = false
    private(set) var happenings: [Happening] = []

    /// Begins to connect to a literal address; what becomes of it is in ``takeHappenings()``.
    init(to address: TransportAddress, epoll: Int32, token: UInt64) {
        self.epoll = epoll
        self.token = token
        guard let context = redisAsyncConnect(address.host, Int32(address.port)) else {
            happenings.append(.lost("no memory"))
            return
        }
        guard context.pointee.err == 0 else {
            happenings.append(.lost(String(cString: context.pointee.errstr)))
            redisAsyncFree(context)
            return
        }
        self.context = context
        descriptor = martlet_redis_descriptor(context)
        let box = Unmanaged.passUnretained(self).toOpaque()
        context.pointee.data = box
        context.pointee.ev.data = box
        context.pointee.ev.addRead = { _ in }
        context.pointee.ev.delRead = { _ in }
        context.pointee.ev.addWrite = { RedisContext.from($0)?.setOutput(true) }
        context.pointee.ev.delWrite = { RedisContext.from($0)?.setOutput(false) }
        context.pointee.ev.cleanup = { RedisContext.from($0)?.isFreed() }
        _ = martlet_epoll_add(epoll, descriptor, token)
        redisAsyncSetConnectCallback(context) { context, status in
            guard let context, status == REDIS_OK else { return }
            RedisContext.from(context.pointee.data)?.happenings.append(.connected)
        }
        // The first thing to be written is how hiredis notices that it is connected.
        setOutput(true)
    }

    deinit { disconnect() }

    private static func from(_ pointer: UnsafeMutableRawPointer?) -> RedisContext? {
        pointer.map { Unmanaged<RedisContext>.fromOpaque($0).takeUnretainedValue() }
    }

    /// What has happened since the last call, in order.
    func takeHappenings() -> [Happening] {
        defer { happenings.removeAll(keepingCapacity: true) }
        return happenings
    }

    /// Does what epoll says can be done.
    func handle(readable: Bool, writable: Bool) {
        if readable, let context { redisAsyncHandleRead(context) }
        if writable, let context { redisAsyncHandleWrite(context) }
        if let context, martlet_redis_unread(context) > Self.maximumReply {
            happenings.append(.lost("an answer of more than \(Self.maximumReply) bytes"))
            disconnect()
        }
    }

    /// Sends a command, whose answer comes after those of all before it.
    func send(_ arguments: [[UInt8]]) {
        guard let context else { return }
        // One block of memory for all arguments: hiredis copies them before it returns.
        let bytes = arguments.flatMap { $0 }
        bytes.withUnsafeBytes { buffer in
            var pointers: [UnsafePointer<CChar>?] = []
            var offset = 0
            for argument in arguments {
                let start = buffer.baseAddress.map { $0 + offset } ?? UnsafeRawPointer(bitPattern: 1)
                pointers.append(start?.assumingMemoryBound(to: CChar.self))
                offset += argument.count
            }
            let lengths = arguments.map(\.count)
            _ = redisAsyncCommandArgv(
                context,
                { context, reply, _ in
                    // Without a reply the connection is ending, which is told in its own way.
                    guard let context, let reply else { return }
                    let value = RedisValue(reply.assumingMemoryBound(to: redisReply.self))
                    RedisContext.from(context.pointee.data)?.happenings.append(.replied(value))
                }, nil, Int32(arguments.count), &pointers, lengths)
        }
    }

    /// Ends the connection, without a word about it.
    func disconnect() {
        guard let context else { return }
        forget()
        context.pointee.ev.cleanup = nil
        context.pointee.ev.delWrite = nil
        redisAsyncFree(context)
    }

    private func setOutput(_ wants: Bool) {
        guard wants != wantsOutput, descriptor >= 0 else { return }
        wantsOutput = wants
        _ = martlet_epoll_modify(epoll, descriptor, token, wants ? 1 : 0)
    }

    /// hiredis is about to free the connection, which has ended by itself.
    private func isFreed() {
        guard let context else { return }
        let reason = context.pointee.errstr.map { String(cString: $0) } ?? "the connection was closed"
        happenings.append(.lost(reason.isEmpty ? "the connection was closed" : reason))
        forget()
    }

    private func forget() {
        if descriptor >= 0 { _ = martlet_epoll_remove(epoll, descriptor) }
        descriptor = -1
        context = nil
    }
}

extension RedisValue {
    /// - Parameter reply: As hiredis made it, which nests at most nine deep.
    fileprivate init(_ reply: UnsafePointer<redisReply>) {
        switch reply.pointee.type {
        case REDIS_REPLY_INTEGER: self = .integer(reply.pointee.integer)
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: self = .bytes(Self.bytes(of: reply))
        case REDIS_REPLY_ERROR: self = .error(String(decoding: Self.bytes(of: reply), as: UTF8.self))
        case REDIS_REPLY_ARRAY:
            let elements = UnsafeBufferPointer(start: reply.pointee.element, count: reply.pointee.elements)
            self = .array(elements.map { $0.map { RedisValue(UnsafePointer($0)) } ?? .null })
        default: self = .null
        }
    }

    private static func bytes(of reply: UnsafePointer<redisReply>) -> [UInt8] {
        guard let text = reply.pointee.str else { return [] }
        return text.withMemoryRebound(to: UInt8.self, capacity: reply.pointee.len) {
            Array(UnsafeBufferPointer(start: $0, count: reply.pointee.len))
        }
    }
}
