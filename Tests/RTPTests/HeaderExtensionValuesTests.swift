import Primitives
import RTP
import Testing

@Suite("Values of header extensions")
struct HeaderExtensionValuesTests {
    @Test func `a transport sequence number is two bytes, or the first two of version 2`() {
        #expect(value(TransportSequenceNumber.parse, of: [0x12, 0x34]) == 0x1234)
        #expect(value(TransportSequenceNumber.parse, of: [0x12, 0x34, 0x80, 0x01]) == 0x1234)
        #expect(value(TransportSequenceNumber.parse, of: [0x12]) == nil)
        #expect(TransportSequenceNumber.element(id: 5, sequenceNumber: 0xFFFE) == .init(id: 5, value: [0xFF, 0xFE]))
    }

    @Test func `a capture time keeps its clock offset when it has one`() {
        for offset in [nil, -3, 1 << 40] as [Int64?] {
            let time = AbsoluteCaptureTime(capturedAt: NTPTime(rawValue: 0x0123_4567_89AB_CDEF), clockOffset: offset)
            let bytes = time.element(id: 1).value
            #expect(bytes.count == (offset == nil ? 8 : 16))
            #expect(value(AbsoluteCaptureTime.init(parsing:), of: bytes) == time)
        }
        #expect(value(AbsoluteCaptureTime.init(parsing:), of: [1, 2, 3, 4, 5, 6, 7]) == nil)
    }

    @Test func `a send time is the middle of an NTP time`() {
        // 1.5 s is six bits of seconds and a fraction of one half: 1.5 * 2^18.
        let time = AbsoluteSendTime(NTPTime(rawValue: 0x0000_0001_8000_0000))
        #expect(time.rawValue == 393_216)
        #expect(value(AbsoluteSendTime.init(parsing:), of: time.element(id: 3).value) == time)
        // 64 s later it is the same again.
        #expect(AbsoluteSendTime(NTPTime(rawValue: 0x0000_0041_8000_0000)) == time)
        #expect(value(AbsoluteSendTime.init(parsing:), of: [1, 2]) == nil)
    }

    @Test func `a transmission offset is signed`() {
        #expect(value(TransmissionTimeOffset.parse, of: [0xFF, 0xFF, 0xFE]) == -2)
        #expect(value(TransmissionTimeOffset.parse, of: [0x00, 0x01, 0x00]) == 256)
        #expect(value(TransmissionTimeOffset.parse, of: []) == nil)
    }

    @Test func `a playout delay is two times twelve bits`() {
        let delay = PlayoutDelay(minimum: 0xABC, maximum: 0x123)
        #expect(delay.element(id: 9).value == [0xAB, 0xC1, 0x23])
        #expect(value(PlayoutDelay.init(parsing:), of: [0xAB, 0xC1, 0x23]) == delay)
        #expect(PlayoutDelay(minimum: 5_000, maximum: 5_000).maximum == 4_095)
        #expect(value(PlayoutDelay.init(parsing:), of: [0xAB, 0xC1]) == nil)
    }

    @Test func `an audio level has voice in the upper bit`() {
        #expect(value(AudioLevel.init(parsing:), of: [0xFF]) == AudioLevel(isVoice: true, level: 127))
        #expect(AudioLevel(isVoice: false, level: 30).element(id: 1).value == [30])
        #expect(value(AudioLevel.init(parsing:), of: []) == nil)
    }

    @Test func `a video orientation turns by quarters`() throws {
        let orientation = try #require(value(VideoOrientation.init(parsing:), of: [0x0B]))
        #expect(orientation.rotation == 270)
        #expect(orientation.isBackCamera)
        #expect(!orientation.isFlipped)
        #expect(value(VideoOrientation.init(parsing:), of: []) == nil)
    }
}
