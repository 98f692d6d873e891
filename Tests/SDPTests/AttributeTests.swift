import SDP
import Testing

@Suite("Attributes of session descriptions")
struct AttributeTests {
    @Test(arguments: ["96 VP8/90000", "111 opus/48000/2", "97 OPUS/48000/2", "9 G722/8000/1", "0 PCMU/8000"])
    func `an rtpmap is written as it was read`(value: String) {
        #expect(RTPMap(parsing: value)?.value == value)
    }

    @Test(arguments: [
        "", "96", "128 VP8/90000", "-1 VP8/90000", "96 VP8", "96 /90000", "96 VP8/x", "96 VP8/1/2/3", "+96 VP8/90000",
        "96 VP8/99999999999",
    ])
    func `a broken rtpmap is none`(value: String) {
        #expect(RTPMap(parsing: value) == nil)
    }

    @Test func `fmtp names are lower case and values are kept`() throws {
        let format = try #require(FormatParameters(parsing: "102 Profile-Level-ID=42E01F; packetization-mode=1;;x=a=b"))
        #expect(format.payloadType == 102)
        #expect(format["profile-level-id"] == "42E01F")
        #expect(format["packetization-mode"] == "1")
        #expect(format["x"] == "a=b")
        #expect(format.value == "102 profile-level-id=42E01F;packetization-mode=1;x=a=b")
    }

    @Test func `fmtp without names is kept as it is`() {
        #expect(FormatParameters(parsing: "63 111/111")?.value == "63 111/111")
        #expect(FormatParameters(parsing: "101 0-15")?.parameters == [.init("0-15", "")])
        #expect(FormatParameters(parsing: "101")?.parameters == [])
        #expect(FormatParameters(parsing: "x a=b") == nil)
    }

    @Test func `the first of two fmtp parameters with one name counts`() {
        let format = FormatParameters(parsing: "96 a=1;a=2")
        #expect(format?["a"] == "1")
        #expect(format?.dictionary == ["a": "1"])
    }

    @Test func `rtcp-fb may end in a space or stand for all payload types`() {
        #expect(RTCPFeedback(parsing: "96 nack ") == RTCPFeedback(payloadType: 96, kind: "nack"))
        #expect(RTCPFeedback(parsing: "* nack  pli") == RTCPFeedback(payloadType: nil, kind: "nack pli"))
        #expect(RTCPFeedback(parsing: "* ccm fir")?.value == "* ccm fir")
        #expect(RTCPFeedback(parsing: "96") == nil)
        #expect(RTCPFeedback(parsing: "200 nack") == nil)
    }

    @Test func `extmap holds id, direction and name`() {
        let map = HeaderExtensionMap(parsing: "6/recvonly urn:x attributes that follow")
        #expect(map == HeaderExtensionMap(id: 6, direction: .recvonly, uri: "urn:x"))
        #expect(map?.value == "6/recvonly urn:x")
        #expect(HeaderExtensionMap(parsing: "1 urn:x")?.direction == nil)
        for broken in ["", "1", "0 urn:x", "70000 urn:x", "1/up urn:x", "x urn:x"] {
            #expect(HeaderExtensionMap(parsing: broken) == nil)
        }
    }

    @Test func `ssrc lines and groups are read and written`() {
        let ssrc = SSRCAttribute(parsing: "4294967295 msid:- a:b")
        #expect(ssrc == SSRCAttribute(ssrc: .max, name: "msid", value: "- a:b"))
        #expect(ssrc?.text == "4294967295 msid:- a:b")
        #expect(SSRCAttribute(parsing: "4294967296 cname:a") == nil)
        #expect(SSRCAttribute(parsing: "1") == nil)
        #expect(SSRCGroup(parsing: "FID 1 2")?.value == "FID 1 2")
        #expect(SSRCGroup(parsing: "FID") == nil)
        #expect(SSRCGroup(parsing: "FID 1 x") == nil)
    }

    @Test func `rids are read with the payload types they are bound to`() {
        #expect(
            RIDAttribute(parsing: "h send pt=96,97;max-width=1280")
                == RIDAttribute(id: "h", direction: .send, payloadTypes: [96, 97])
        )
        #expect(RIDAttribute(parsing: "h send pt=96,97")?.value == "h send pt=96,97")
        #expect(RIDAttribute(parsing: "l recv")?.value == "l recv")
        for broken in ["", "h", "h both", "h;m send", "seventeen-letters send", "é send"] {
            #expect(RIDAttribute(parsing: broken) == nil)
        }
    }

    @Test func `simulcast is read with alternatives and paused layers`() {
        let simulcast = SimulcastAttribute(parsing: "send h,x;~m;l recv a")
        #expect(simulcast == SimulcastAttribute(send: [["h", "x"], ["m"], ["l"]], receive: [["a"]]))
        #expect(simulcast?.value == "send h,x;m;l recv a")
        #expect(SimulcastAttribute(receive: [["h"], ["l"]]).value == "recv h;l")
        for broken in ["", "send", "up h", "send h send l", "send h recv"] {
            #expect(SimulcastAttribute(parsing: broken) == nil)
        }
    }

    @Test func `groups are read and written`() {
        #expect(MediaGroup(parsing: "BUNDLE video0 audio1")?.mids == ["video0", "audio1"])
        #expect(MediaGroup(parsing: "BUNDLE")?.mids == [])
        #expect(MediaGroup(parsing: "") == nil)
        #expect(MediaGroup(semantics: "LS", mids: ["a"]).value == "LS a")
    }

    @Test func `an attribute without a value is a property`() {
        var attributes = SDPAttributes()
        attributes.append("rtcp-mux")
        attributes.append("mid", "0")
        attributes.append("mid", "1")
        #expect(attributes.contains("rtcp-mux"))
        #expect(attributes.first("rtcp-mux") == nil)
        #expect(attributes.first("mid") == "0")
        #expect(attributes.all("mid") == ["0", "1"])
        #expect(attributes.elements.map(\.line) == ["a=rtcp-mux", "a=mid:0", "a=mid:1"])
    }
}
