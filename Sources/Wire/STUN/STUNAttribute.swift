package import Primitives

/// The attribute types that this codec knows (RFC 8489 §18.3, RFC 8445 §16.1, RFC 8656 §18).
package enum STUNAttributeType: UInt16, Sendable {
    case mappedAddress = 0x0001
    case username = 0x0006
    case messageIntegrity = 0x0008
    case errorCode = 0x0009
    case unknownAttributes = 0x000A
    case lifetime = 0x000D
    case xorPeerAddress = 0x0012
    case realm = 0x0014
    case nonce = 0x0015
    case xorRelayedAddress = 0x0016
    case requestedTransport = 0x0019
    case xorMappedAddress = 0x0020
    case priority = 0x0024
    case useCandidate = 0x0025
    case software = 0x8022
    case fingerprint = 0x8028
    case iceControlled = 0x8029
    case iceControlling = 0x802A
}

/// One attribute of a STUN message, its value understood.
package enum STUNAttribute: Equatable, Sendable {
    case mappedAddress(TransportAddress)
    case xorMappedAddress(TransportAddress)
    /// `receiver's ufrag:sender's ufrag` in ICE; bytes, because a stranger's may be no UTF-8.
    case username([UInt8])
    case errorCode(STUNErrorCode)
    /// The types that a 420 error complains of.
    case unknownAttributes([UInt16])
    case realm([UInt8])
    case nonce([UInt8])
    case software([UInt8])
    /// How long a TURN server keeps an allocation, in seconds (RFC 8656 §18.2).
    case lifetime(UInt32)
    /// The other end of what a TURN server relays (RFC 8656 §18.3).
    case xorPeerAddress(TransportAddress)
    /// The address that a TURN server gave to an allocation (RFC 8656 §18.5).
    case xorRelayedAddress(TransportAddress)
    /// The protocol between TURN server and peer, by its IANA number: 17 is UDP (RFC 8656 §18.7).
    case requestedTransport(UInt8)
    /// The priority that a peer-reflexive candidate found by this check would get (RFC 8445 §7.1.1).
    case priority(UInt32)
    case useCandidate
    /// The sender's tie-breaker; it believes to be controlled.
    case iceControlled(UInt64)
    /// The sender's tie-breaker; it believes to be controlling.
    case iceControlling(UInt64)
    /// Of a type that we do not know, or that has no meaning where it stood.
    case unknown(type: UInt16, value: [UInt8])

    /// The longest USERNAME, in bytes: two fragments of 256 and the colon between (RFC 8445 §5.3).
    package static let maximumUsernameLength = 513

    /// Reads the value of one attribute, without its padding.
    ///
    /// - Throws: ``ParseError`` when a type that we know has a value of the wrong form.
    init(type: UInt16, value: Span<UInt8>, transactionID: [UInt8]) throws(ParseError) {
        var reader = ByteReader(value)
        switch STUNAttributeType(rawValue: type) {
        case .mappedAddress:
            self = .mappedAddress(try STUNAddress.read(&reader, mask: .none))
        case .xorMappedAddress:
            let mask = STUNAddress.Mask.exclusiveOr(transactionID: transactionID)
            self = .xorMappedAddress(try STUNAddress.read(&reader, mask: mask))
        case .username:
            guard value.count <= Self.maximumUsernameLength else { throw .limitExceeded(what: "STUN USERNAME") }
            self = .username(try reader.readArray(value.count))
        case .errorCode:
            self = .errorCode(try STUNErrorCode(parsing: &reader))
        case .unknownAttributes:
            var types: [UInt16] = []
            while reader.remaining > 0 { types.append(try reader.readInteger()) }
            self = .unknownAttributes(types)
        case .realm:
            self = .realm(try reader.readArray(value.count))
        case .nonce:
            self = .nonce(try reader.readArray(value.count))
        case .software:
            self = .software(try reader.readArray(value.count))
        case .lifetime:
            self = .lifetime(try reader.readInteger())
        case .xorPeerAddress:
            let mask = STUNAddress.Mask.exclusiveOr(transactionID: transactionID)
            self = .xorPeerAddress(try STUNAddress.read(&reader, mask: mask))
        case .xorRelayedAddress:
            let mask = STUNAddress.Mask.exclusiveOr(transactionID: transactionID)
            self = .xorRelayedAddress(try STUNAddress.read(&reader, mask: mask))
        case .requestedTransport:
            self = .requestedTransport(try reader.readInteger())
            // The rest is reserved, and to be ignored.
            try reader.skip(3)
        case .priority:
            self = .priority(try reader.readInteger())
        case .useCandidate:
            self = .useCandidate
        case .iceControlled:
            self = .iceControlled(try reader.readInteger())
        case .iceControlling:
            self = .iceControlling(try reader.readInteger())
        case .messageIntegrity, .fingerprint, nil:
            self = .unknown(type: type, value: try reader.readArray(value.count))
        }
        guard reader.remaining == 0 else { throw .invalid(field: "STUN attribute length") }
    }
}

// MARK: - Writing

extension STUNAttribute {
    /// Appends type, length, value and padding.
    func write(to writer: inout ByteWriter, transactionID: [UInt8]) {
        switch self {
        case .mappedAddress(let address):
            Self.write(.mappedAddress, value: STUNAddress.encoded(address, mask: .none), to: &writer)
        case .xorMappedAddress(let address):
            let mask = STUNAddress.Mask.exclusiveOr(transactionID: transactionID)
            Self.write(.xorMappedAddress, value: STUNAddress.encoded(address, mask: mask), to: &writer)
        case .username(let name): Self.write(.username, value: name, to: &writer)
        case .errorCode(let error): Self.write(.errorCode, value: error.encoded, to: &writer)
        case .unknownAttributes(let types):
            Self.write(
                .unknownAttributes, value: Self.bytes { writer in types.forEach { writer.write($0) } }, to: &writer)
        case .realm(let realm): Self.write(.realm, value: realm, to: &writer)
        case .nonce(let nonce): Self.write(.nonce, value: nonce, to: &writer)
        case .software(let software): Self.write(.software, value: software, to: &writer)
        case .lifetime(let seconds): Self.write(.lifetime, value: Self.bytes { $0.write(seconds) }, to: &writer)
        case .xorPeerAddress(let address):
            let mask = STUNAddress.Mask.exclusiveOr(transactionID: transactionID)
            Self.write(.xorPeerAddress, value: STUNAddress.encoded(address, mask: mask), to: &writer)
        case .xorRelayedAddress(let address):
            let mask = STUNAddress.Mask.exclusiveOr(transactionID: transactionID)
            Self.write(.xorRelayedAddress, value: STUNAddress.encoded(address, mask: mask), to: &writer)
        case .requestedTransport(let number):
            Self.write(.requestedTransport, value: [number, 0, 0, 0], to: &writer)
        case .priority(let priority): Self.write(.priority, value: Self.bytes { $0.write(priority) }, to: &writer)
        case .useCandidate: Self.write(.useCandidate, value: [], to: &writer)
        case .iceControlled(let tieBreaker):
            Self.write(.iceControlled, value: Self.bytes { $0.write(tieBreaker) }, to: &writer)
        case .iceControlling(let tieBreaker):
            Self.write(.iceControlling, value: Self.bytes { $0.write(tieBreaker) }, to: &writer)
        case .unknown(let type, let value): Self.write(type: type, value: value, to: &writer)
        }
    }

    static func write(_ type: STUNAttributeType, value: [UInt8], to writer: inout ByteWriter) {
        write(type: type.rawValue, value: value, to: &writer)
    }

    private static func write(type: UInt16, value: [UInt8], to writer: inout ByteWriter) {
        precondition(value.count <= 0xFFFC, "our own attributes are small")
        writer.write(type)
        writer.write(UInt16(value.count))
        writer.write(value)
        writer.writeZeros((4 - value.count % 4) % 4)
    }

    private static func bytes(_ write: (inout ByteWriter) -> Void) -> [UInt8] {
        var writer = ByteWriter(capacity: 8)
        write(&writer)
        return writer.bytes
    }
}
