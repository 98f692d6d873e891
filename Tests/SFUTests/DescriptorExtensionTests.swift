import Primitives
import RTP
import SFU
import TestSupport
import Testing

@Suite("Dependency descriptors in header extensions")
struct DescriptorExtensionTests {
    /// A descriptor as a log keeps it, without a mask.
    private static func kept(_ descriptor: [UInt8]) -> [UInt8] {
        [UInt8(descriptor.count), 0] + descriptor
    }

    /// The elements of an RTP packet that has the extension of a template, and a descriptor behind it.
    private static func elements(
        _ template: HeaderExtensionTemplate, captureTime: NTPTime?, descriptor: [UInt8], id: UInt8
    ) throws -> [UInt8: [UInt8]] {
        var bytes: [UInt8] = [0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
        let start = bytes.count
        let before = captureTime == nil ? template.length : template.lengthWithCaptureTime
        bytes += [UInt8](repeating: 0xEE, count: 400)
        let length = bytes.withUnsafeMutableBytes { buffer in
            guard let output = buffer.baseAddress.map({ $0 + start }) else { return 0 }
            if let captureTime {
                template.write(to: output, number: 0x1234, captureTime: captureTime)
            } else if template.length > 0 {
                template.write(to: output, number: 0x1234)
            }
            return kept(descriptor).withUnsafeBytes { kept in
                guard let start = kept.baseAddress else { return 0 }
                let descriptor = KeptDescriptor(at: start)
                let end = DescriptorExtension.append(
                    descriptor, id: id, limit: .none, shift: 0, to: output, length: before)
                #expect(end <= before + DescriptorExtension.room(for: descriptor))
                return end
            }
        }
        let packet = Array(bytes.prefix(start + length)) + [7, 7]
        let header = try RTPHeader(parsing: packet.span)
        #expect(header.payloadRange == (start + length)..<packet.count)
        var found: [UInt8: [UInt8]] = [:]
        RTPHeaderExtensions.forEach(header: header, in: packet.span) { found[$0] = Array(packet[$1]) }
        return found
    }

    private static let templates = [
        HeaderExtensionTemplate(), HeaderExtensionTemplate(transportCC: 3),
        HeaderExtensionTemplate(playoutDelay: (5, PlayoutDelay(minimum: 0, maximum: 10))),
        HeaderExtensionTemplate(
            transportCC: 3, playoutDelay: (5, PlayoutDelay(minimum: 0, maximum: 10)), captureTime: 6),
        HeaderExtensionTemplate(captureTime: 6),
    ]

    @Test(arguments: [3, 4, 15, 16, 17, 100, 255])
    func `a descriptor of any length stands beside what else there is`(count: Int) throws {
        let descriptor = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 1) }
        for template in Self.templates {
            for captureTime in [nil, NTPTime(rawValue: 0x0102_0304_0506_0708)]
            where template.captureTimeID != 0 || captureTime == nil {
                let found = try Self.elements(template, captureTime: captureTime, descriptor: descriptor, id: 11)
                #expect(found[11] == descriptor)
                if template.hasTransportNumber { #expect(found[3] == [0x12, 0x34]) }
                #expect(found[6] == (captureTime == nil ? nil : [1, 2, 3, 4, 5, 6, 7, 8]))
                let others = template.length == 0 ? 0 : template.length == 12 ? 2 : 1
                #expect(found.count == 1 + others + (captureTime == nil ? 0 : 1))
            }
        }
    }
}
