import NIOCore
import NIOEmbedded
import Testing

@testable import TransportSecurity

@Suite("Plain HTTP where HTTPS is spoken")
struct PlainRequestTests {
    private static let page = "GET /play/cam?via=hls HTTP/1.1\r\nHost: 192.0.2.1:8080\r\nAccept: */*\r\n\r\n"

    private func answer(_ text: String) -> String { PlainRequest.answer(to: Array(text.utf8)) }

    @Test func `a page is sent on to its address`() {
        let answer = answer(Self.page)
        #expect(answer.hasPrefix("HTTP/1.1 307 "))
        #expect(answer.contains("\r\nLocation: https://192.0.2.1:8080/play/cam?via=hls\r\n"))
        #expect(answer.hasSuffix("\r\n\r\n"))
    }

    @Test(arguments: [
        "POST /whip/cam HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer t\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: h\r\ncookie: a=b\r\n\r\n",
        "GET //evil.example/ HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: evil.example/@h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\nLocation: x\r\n\r\n",
        "GET /\u{7F} HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", "G", "HELO h\r\n",
    ])
    func `anything else is told what the port speaks`(text: String) {
        let answer = answer(text)
        #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.contains("https://"))
        #expect(!answer.contains("Location"))
    }

    @Test func `a head that is not all there is not sent on`() {
        let page = Array(Self.page.utf8)
        for length in 0..<page.count {
            #expect(PlainRequest.answer(to: Array(page.prefix(length))).hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test func `a head that is too long is not sent on`() {
        let path = String(repeating: "x", count: PlainRequest.maximumSize)
        #expect(answer("GET /\(path) HTTP/1.1\r\nHost: h\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
    }

    @Test func `TLS goes by untouched`() throws {
        let channel = EmbeddedChannel(handler: PlainRequestHandler())
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        // The second piece looks like HTTP, but is none.
        for piece in [ByteBuffer(bytes: [0x16, 3, 1]), ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n")] {
            try channel.writeInbound(piece)
            #expect(try channel.readInbound(as: ByteBuffer.self) == piece)
        }
        #expect(channel.isActive)
        _ = try channel.finish()
    }

    @Test func `who comes without TLS is answered once, and the connection ends`() throws {
        let channel = EmbeddedChannel(handler: PlainRequestHandler())
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.writeInbound(ByteBuffer(string: Self.page))
        #expect(try channel.readInbound(as: ByteBuffer.self) == nil)
        let answer = try channel.readOutbound(as: ByteBuffer.self)
        #expect(answer.map { String(buffer: $0) }?.hasPrefix("HTTP/1.1 307 ") == true)
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive)
    }
}
