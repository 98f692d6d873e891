import Foundation
import M3U8
import NIOCore
import NIOHTTP1
import NIOSSL
import TransportSecurity

/// One connection of one viewer, for one rendition: asks, waits for the answer, and asks for what comes next.
final class ViewerConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// What an answer is an answer to.
    private enum Asked {
        case multivariant
        case rendition(HLSPlayback.Request)
    }

    /// Larger than any segment should be; the rest is counted and thrown away.
    private static let maximumBody = 4 << 20

    private let run: LoadRun
    /// When the viewer came, in seconds of the run.
    private let beganAt: Double
    private let rendition: Int
    private var base: URL
    private var hasPlaylist: Bool
    private var playback = HLSPlayback()
    private var asked: Asked?
    private(set) var askedAt = 0.0
    private var status = 0
    private var body = ByteBuffer()
    private var bodySize = 0
    private var isFirstPart = true
    private var newestDate: Double?
    private var context: ChannelHandlerContext?

    /// - Parameters:
    ///   - run: The run that it belongs to.
    ///   - url: A media playlist, or for rendition 0 whatever the address leads to.
    ///   - rendition: 0 for the first of a viewer.
    ///   - beganAt: When the viewer came.
    init(_ run: LoadRun, url: URL, rendition: Int, beganAt: Double) {
        self.run = run
        base = url
        self.rendition = rendition
        hasPlaylist = rendition > 0
        self.beganAt = beganAt
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        run.opened(self)
        ask()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        run.closed(self, isExpected: false)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is NIOSSLError {
            run.figures.fail("no connection: \(ServerTrust.describe(error))")
            run.closed(self, isExpected: true)
        }
        context.close(promise: nil)
    }

    func close() {
        context?.close(promise: nil)
    }

    // MARK: Asking

    private func ask() {
        guard hasPlaylist else { return send(LoadTarget.path(base), .multivariant) }
        let request = playback.next()
        let own = LoadTarget.path(base)
        switch request {
        case .playlist: send(own, .rendition(request))
        case .reload(let number):
            send(own + (own.contains("?") ? "&" : "?") + HLSPlayback.directives(number), .rendition(request))
        case .map(let uri), .part(let uri, _):
            guard let path = run.path(uri, from: base) else { return giveUp("an address that is none") }
            send(path, .rendition(request))
        }
    }

    private func send(_ path: String, _ asked: Asked) {
        guard let context, run.isRunning else { return }
        self.asked = asked
        askedAt = run.now
        run.figures.requests += 1
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path)
        head.headers.add(name: "host", value: run.target.authority)
        if let authorization = run.target.authorization {
            head.headers.add(name: "authorization", value: authorization)
        }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    // MARK: Answers

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            status = Int(head.status.code)
            body.clear()
            bodySize = 0
        case .body(var bytes):
            bodySize += bytes.readableBytes
            // Media are not looked at: only that they come.
            if case .rendition(.part) = asked { return }
            if body.readableBytes < Self.maximumBody { body.writeBuffer(&bytes) }
        case .end:
            run.figures.bytes += bodySize
            answered()
        }
    }

    private func answered() {
        guard let asked, run.isRunning else { return }
        self.asked = nil
        guard status == 200 else { return again(after: .milliseconds(500), "\(Self.name(asked)): \(status)") }
        switch asked {
        case .multivariant: readMultivariant()
        case .rendition(.playlist), .rendition(.reload): readPlaylist(asked)
        case .rendition(.map): ask()
        case .rendition(.part): readPart()
        }
    }

    private func readMultivariant() {
        let bytes = Array(body.readableBytesView)
        guard let playlist = try? MultivariantPlaylist(parsing: bytes.span), let variant = playlist.variants.first
        else {
            hasPlaylist = true
            return readPlaylist(.rendition(.playlist))
        }
        let sound = playlist.renditions.first { $0.type == "AUDIO" && $0.group == variant.audio && $0.uri != nil }
        let addresses = [variant.uri, sound?.uri].compactMap { $0 }.map {
            URL(string: $0, relativeTo: base)?.absoluteURL
        }
        guard let first = addresses.first ?? nil else { return giveUp("an address that is none") }
        for (index, url) in addresses.enumerated().dropFirst() {
            if let url { run.connect(to: url, rendition: index, beganAt: beganAt) }
        }
        base = first
        hasPlaylist = true
        ask()
    }

    private func readPlaylist(_ asked: Asked) {
        guard let playlist = run.parse(body, of: base) else {
            return again(after: .seconds(1), "a playlist that cannot be read")
        }
        do throws(HLSPlayback.Failure) {
            let newest = try playback.received(playlist)
            newestDate = playlist.newestDate
            run.figures.holdBack = playback.holdBack
            if case .rendition(.reload(let number)) = asked {
                let target = HLSPlayback.target(number)
                // §6.2.5.2: an answer without it is one that did not wait.
                if let newest, newest >= target || playlist.nextSequence > target.sequence {
                    run.figures.reloaded(target, rendition: rendition, askedAt: askedAt, at: run.now)
                } else {
                    return again(after: .milliseconds(200), "a reload that did not wait")
                }
            } else if newest == nil {
                return again(after: .milliseconds(200), nil)
            }
            ask()
        } catch {
            switch error {
            case .ended: giveUp("the stream has ended")
            case .noLowLatency: giveUp("no parts, or no blocking reloads")
            }
        }
    }

    private func readPart() {
        let now = run.now
        run.figures.parts.add((now - askedAt) * 1000)
        if isFirstPart {
            isFirstPart = false
            if rendition == 0 { run.figures.starts.add((now - beganAt) * 1000) }
        } else if let newestDate {
            run.figures.ages.add(run.wallClock() - newestDate)
        }
        ask()
    }

    private func again(after delay: TimeAmount, _ cause: String?) {
        if let cause { run.figures.fail(cause) }
        context?.eventLoop.assumeIsolated().scheduleTask(in: delay) { [weak self] in self?.ask() }
    }

    private func giveUp(_ cause: String) {
        run.figures.fail(cause)
        run.closed(self, isExpected: true)
        context?.close(promise: nil)
    }

    private static func name(_ asked: Asked) -> String {
        switch asked {
        case .multivariant, .rendition(.playlist): "a playlist"
        case .rendition(.reload): "a reload"
        case .rendition(.map): "an initialization segment"
        case .rendition(.part): "a part"
        }
    }
}
