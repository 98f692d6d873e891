import Media
import Primitives
import RTP
import Testing

/// The packets of a burst, taken apart.
struct ReceivedPacket {
    var header: RTPHeader
    var payload: [UInt8]
}

func receive(_ burst: PacketBurst) throws -> [ReceivedPacket] {
    try burst.entries.map { entry in
        let bytes = Array(burst.bytes[Int(entry.offset)..<Int(entry.offset + entry.length)])
        let header = try RTPHeader(parsing: bytes.span)
        return ReceivedPacket(header: header, payload: Array(bytes[header.payloadRange]))
    }
}

/// What a receiver does: puts the units together again from the payloads of one frame.
enum Depacketizer {
    static func h264(_ payloads: [[UInt8]]) throws -> [[UInt8]] {
        var units: [[UInt8]] = []
        var fragment: [UInt8]?
        for payload in payloads {
            switch payload[0] & 0x1F {
            case 24: units += try aggregated(payload, from: 1)
            case 28:
                if payload[1] & 0x80 != 0 {
                    #expect(fragment == nil)
                    fragment = [payload[0] & 0xE0 | payload[1] & 0x1F]
                }
                fragment = try #require(fragment) + payload[2...]
                if payload[1] & 0x40 != 0 {
                    units.append(try #require(fragment))
                    fragment = nil
                }
            default: units.append(payload)
            }
        }
        #expect(fragment == nil)
        return units
    }

    static func h265(_ payloads: [[UInt8]]) throws -> [[UInt8]] {
        var units: [[UInt8]] = []
        var fragment: [UInt8]?
        for payload in payloads {
            switch payload[0] >> 1 & 0x3F {
            case 48: units += try aggregated(payload, from: 2)
            case 49:
                if payload[2] & 0x80 != 0 {
                    #expect(fragment == nil)
                    fragment = [payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]]
                }
                fragment = try #require(fragment) + payload[3...]
                if payload[2] & 0x40 != 0 {
                    units.append(try #require(fragment))
                    fragment = nil
                }
            default: units.append(payload)
            }
        }
        #expect(fragment == nil)
        return units
    }

    private static func aggregated(_ payload: [UInt8], from start: Int) throws -> [[UInt8]] {
        var units: [[UInt8]] = []
        var reader = ByteReader(payload.span)
        try reader.skip(start)
        while reader.remaining > 0 {
            let length: UInt16 = try reader.readInteger()
            units.append(try reader.readArray(Int(length)))
        }
        return units
    }

    static func vp8(_ payloads: [[UInt8]]) throws -> [UInt8] {
        var frame: [UInt8] = []
        for (index, payload) in payloads.enumerated() {
            var reader = ByteReader(payload.span)
            let descriptor = try VP8PayloadDescriptor(parsing: &reader)
            #expect(descriptor.startsFrame == (index == 0))
            frame += payload[reader.offset...]
        }
        return frame
    }

    static func vp9(_ payloads: [[UInt8]]) throws -> [UInt8] {
        var frame: [UInt8] = []
        for (index, payload) in payloads.enumerated() {
            var reader = ByteReader(payload.span)
            let descriptor = try VP9PayloadDescriptor(parsing: &reader)
            #expect(descriptor.startsFrame == (index == 0))
            #expect(descriptor.endsFrame == (index == payloads.count - 1))
            frame += payload[reader.offset...]
        }
        return frame
    }

    /// The OBUs of a temporal unit, without size fields.
    static func av1(_ payloads: [[UInt8]]) throws -> [[UInt8]] {
        var units: [[UInt8]] = []
        var continues = false
        for payload in payloads {
            #expect((payload[0] & 0x80 != 0) == continues)
            #expect(payload[0] & 0x30 == 0, "every element has a length")
            var reader = ByteReader(payload.span)
            try reader.skip(1)
            while reader.remaining > 0 {
                let part = try reader.readArray(try reader.readLEB128())
                if continues, let last = units.popLast() {
                    units.append(last + part)
                } else {
                    units.append(part)
                }
                continues = false
            }
            continues = payload[0] & 0x40 != 0
        }
        #expect(!continues)
        return units
    }
}
