import Foundation
import HTTPTypes
import Testing

@testable import Conformance

@Suite("Fields of answers")
struct FieldTests {
    @Test func `links have targets, relations and parameters`() {
        let value = """
            <turn:t.example?transport=udp>; rel="ice-server other" ; username="a\\"b,;";credential=c , </sse>;rel=x;rel=y
            """
        let (links, isWellFormed) = LinkField.parse([value, "<a>"])
        #expect(isWellFormed)
        #expect(links.map(\.target) == ["turn:t.example?transport=udp", "/sse", "a"])
        #expect(links[0].relations == ["ice-server", "other"])
        #expect(links[0].parameters["username"] == "a\"b,;" && links[0].parameters["credential"] == "c")
        #expect(links[1].relations == ["x"])
    }

    @Test(arguments: ["", "a", "<a", "<a>; =b", "<a>; b=\"c", "<a>; b=\"c\\", "<a> b", "<a>,", "<a>;;b"])
    func `what is no link is told`(value: String) {
        #expect(!LinkField.parse([value]).isWellFormed)
    }

    @Test func `every part of a link is read without harm`() {
        let value = Array("<turn:t.example>; rel=\"ice-server\"; username=\"a\\\"b\", <b>; rel=c".utf8)
        for end in value.indices {
            let (links, _) = LinkField.parse([String(decoding: value[..<end], as: UTF8.self)])
            #expect(links.count <= 2)
        }
    }

    @Test func `no more than 64 links are read`() {
        let (links, _) = LinkField.parse([Array(repeating: "<a>", count: 100).joined(separator: ",")])
        #expect(links.count == LinkField.maximumLinks)
    }

    @Test(arguments: [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 29 Feb 2024 23:59:60 GMT", 1_709_251_200), ("Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000),
    ])
    func `a date is read`(text: String, seconds: Int) {
        #expect(HTTPDate.parse(text) == Int64(seconds))
    }

    @Test(arguments: [
        "", "now", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 0000 08:49:37 GMT",
    ])
    func `what is no date is none`(text: String) {
        #expect(HTTPDate.parse(text) == nil)
    }

    @Test func `dates agree with the calendar of the system`() {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        for seconds in stride(from: Int64(0), to: 4_200_000_000, by: 12_345_678) {
            let text = formatter.string(from: Date(timeIntervalSince1970: TimeInterval(seconds)))
            #expect(HTTPDate.parse(text) == seconds)
        }
    }

    @Test(arguments: [
        ("\"a\"", true), ("\"\"", true), ("W/\"a\"", false), ("a", false), ("\"", false), ("", false),
        ("\"a\"b\"", false),
        ("\"a b\"", false), ("*", false),
    ])
    func `a strong tag is known by its quotes`(text: String, isStrong: Bool) {
        #expect(EntityTag.isStrong(text) == isStrong)
    }

    @Test func `lists are read as words`() {
        var fields: HTTPFields = [.allow: "GET,  Post ,"]
        fields.append(HTTPField(name: .allow, value: "DELETE"))
        #expect(fields.words(.allow) == ["get", "post", "delete"])
        let accept: HTTPFields = [.acceptPost: "application/sdp;x=y, text/plain"]
        #expect(accept.mediaTypes(.acceptPost) == ["application/sdp", "text/plain"])
    }

    @Test func `text of a server cannot steer a terminal`() {
        #expect(Quoted.line("a\u{1B}[2Jb\r\nc\u{E9}") == "a?[2Jb??c?")
        #expect(Quoted.line(String(repeating: "x", count: 500)).utf8.count == Quoted.maximumLength + 3)
    }
}
