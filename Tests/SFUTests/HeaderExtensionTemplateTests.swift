import Primitives
import RTP
import SFU
import Testing

@Suite("Header extensions to viewers, RFC 8285 §4.2")
struct HeaderExtensionTemplateTests {
    private static func written(_ template: HeaderExtensionTemplate, number: UInt16) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: 12)
        bytes.withUnsafeMutableBytes { template.write(to: $0.baseAddress!, number: number) }
        return Array(bytes.prefix(template.length))
    }

    @Test func `number and playout delay stand side by side`() {
        let delay = PlayoutDelay(minimum: 1, maximum: 0x234)
        let template = HeaderExtensionTemplate(transportCC: 4, playoutDelay: (5, delay))
        #expect(template.hasTransportNumber)
        #expect(
            Self.written(template, number: 0xABCD) == [
                0xBE, 0xDE, 0, 2, 0x41, 0xAB, 0xCD, 0x52, 0x00, 0x12, 0x34, 0,
            ])
    }

    @Test func `a number alone takes two words`() {
        let template = HeaderExtensionTemplate(transportCC: 14)
        #expect(Self.written(template, number: 1) == [0xBE, 0xDE, 0, 1, 0xE1, 0, 1, 0])
    }

    @Test func `without a number nothing changes from packet to packet`() {
        let template = HeaderExtensionTemplate(playoutDelay: (1, PlayoutDelay(minimum: 0, maximum: 0)))
        #expect(!template.hasTransportNumber)
        #expect(Self.written(template, number: 7) == [0xBE, 0xDE, 0, 1, 0x12, 0, 0, 0])
        #expect(Self.written(template, number: 8) == Self.written(template, number: 7))
    }

    private static func written(
        _ template: HeaderExtensionTemplate, number: UInt16, captureTime: NTPTime
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: 24)
        bytes.withUnsafeMutableBytes {
            template.write(to: $0.baseAddress!, number: number, captureTime: captureTime)
        }
        return Array(bytes.prefix(template.lengthWithCaptureTime))
    }

    @Test func `a capture time stands behind what else there is`() {
        let time = NTPTime(rawValue: 0x0102_0304_0506_0708)
        let element: [UInt8] = [0x77, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0]
        let alone = HeaderExtensionTemplate(captureTime: 7)
        #expect(alone.length == 0)
        #expect(Self.written(alone, number: 0, captureTime: time) == [0xBE, 0xDE, 0, 3] + element)
        let delay = PlayoutDelay(minimum: 1, maximum: 0x234)
        let both = HeaderExtensionTemplate(transportCC: 4, playoutDelay: (5, delay), captureTime: 7)
        #expect(both.length == 12)
        #expect(
            Self.written(both, number: 0xABCD, captureTime: time) == [
                0xBE, 0xDE, 0, 5, 0x41, 0xAB, 0xCD, 0x52, 0x00, 0x12, 0x34, 0,
            ] + element)
    }

    @Test func `nothing negotiated takes no room`() {
        #expect(HeaderExtensionTemplate().length == 0)
    }
}
