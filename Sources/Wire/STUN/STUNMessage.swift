package import Primitives

/// A STUN message (RFC 8489 §5): the header's meaning and the attributes in the order of the wire.
///
/// MESSAGE-INTEGRITY and FINGERPRINT are not among ``attributes``: ``encoded(integrityKey:fingerprint:)``
/// adds them, ``parse(_:)`` checks the fingerprint, and ``hasValidIntegrity(key:in:)`` the integrity.
package struct STUNMessage: Sendable {
    /// What kind of message this is: two bits of the type field (RFC 8489 §5).
    package enum Class: UInt8, Sendable {
        case request = 0
        case indication = 1
        case success = 2
        case error = 3
    }

    /// The method: 12 bits of the type field.
    package struct Method: RawRepresentable, Hashable, Sendable {
        package var rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }

        /// Binding, the only method that ICE uses.
        package static let binding = Method(rawValue: 0x001)
        /// Asks a TURN server for a relayed address (RFC 8656 §7).
        package static let allocate = Method(rawValue: 0x003)
        /// Prolongs an allocation, or ends it with a lifetime of 0 (RFC 8656 §8).
        package static let refresh = Method(rawValue: 0x004)
        /// Lets a peer send to the relayed address (RFC 8656 §10).
        package static let createPermission = Method(rawValue: 0x008)
    }

    package var `class`: Class
    package var method: Method
    /// Twelve bytes, chosen by whoever sent the request.
    package var transactionID: [UInt8]
    package var attributes: [STUNAttribute]

    /// Where MESSAGE-INTEGRITY begins in the datagram parsed; `nil` when it had none.
    package private(set) var integrityOffset: Int?
    /// Whether the datagram parsed ended in a FINGERPRINT (a wrong one does not parse).
    package private(set) var hasFingerprint = false

    package static let headerLength = 20
    package static let transactionIDLength = 12
    package static let magicCookie: UInt32 = 0x2112_A442
    /// More attributes than any ICE peer sends; a message with more does not parse.
    package static let maximumAttributes = 32

    package init(
        class: Class,
        method: Method = .binding,
        transactionID: [UInt8],
        attributes: [STUNAttribute] = []
    ) {
        self.class = `class`
        self.method = method
        self.transactionID = transactionID
        self.attributes = attributes
    }

    package var hasIntegrity: Bool { integrityOffset != nil }

    /// The types of attributes that we do not know and that must not be ignored (RFC 8489 §14), without repeats.
    package var unknownRequiredTypes: [UInt16] {
        var types: [UInt16] = []
        for case .unknown(let type, _) in attributes where type < 0x8000 && !types.contains(type) {
            types.append(type)
        }
        return types
    }
}

// MARK: - Parsing

extension STUNMessage {
    /// Parses one whole datagram.
    ///
    /// What follows MESSAGE-INTEGRITY is not protected and therefore left out, all but FINGERPRINT (RFC 8489 §14.5).
    ///
    /// - Throws: ``ParseError`` when the datagram is not a STUN message of exactly its length, when an attribute
    ///   is cut short or malformed, when a FINGERPRINT is wrong or not the last attribute, or when there are more
    ///   than ``maximumAttributes``. Unknown attributes of either kind parse.
    package static func parse(_ datagram: Span<UInt8>) throws(ParseError) -> STUNMessage {
        var reader = ByteReader(datagram)
        let type: UInt16 = try reader.readInteger()
        // RFC 8489 §5: "The most significant 2 bits of every STUN message MUST be zeroes."
        guard type & 0xC000 == 0 else { throw .invalid(field: "STUN message type") }
        let length: UInt16 = try reader.readInteger()
        let cookie: UInt32 = try reader.readInteger()
        guard cookie == magicCookie else { throw .invalid(field: "STUN magic cookie") }
        let transactionID = try reader.readArray(transactionIDLength)
        guard length % 4 == 0, Int(length) <= reader.remaining else {
            if length % 4 != 0 { throw .invalid(field: "STUN message length") }
            throw .truncated(needed: Int(length), available: reader.remaining, offset: reader.offset)
        }
        guard Int(length) == reader.remaining else { throw .invalid(field: "STUN message length") }

        let (`class`, method) = splitType(type)
        var message = STUNMessage(class: `class`, method: method, transactionID: transactionID)
        var count = 0
        while reader.remaining > 0 {
            guard !message.hasFingerprint else { throw .invalid(field: "STUN attribute after FINGERPRINT") }
            count += 1
            guard count <= maximumAttributes else { throw .limitExceeded(what: "STUN attributes") }
            try message.parseAttribute(&reader, of: datagram)
        }
        return message
    }

    private mutating func parseAttribute(_ reader: inout ByteReader, of datagram: Span<UInt8>) throws(ParseError) {
        let start = reader.offset
        let type: UInt16 = try reader.readInteger()
        let length: UInt16 = try reader.readInteger()
        let value = try reader.readSpan(Int(length))
        try reader.skip((4 - Int(length) % 4) % 4)
        switch STUNAttributeType(rawValue: type) {
        case .fingerprint:
            var valueReader = ByteReader(value)
            let fingerprint: UInt32 = try valueReader.readInteger()
            guard valueReader.remaining == 0, fingerprint == STUNFingerprint.of(datagram.extracting(0..<start))
            else { throw .invalid(field: "STUN FINGERPRINT") }
            hasFingerprint = true
        case .messageIntegrity where integrityOffset == nil:
            guard value.count == STUNIntegrity.tagLength else { throw .invalid(field: "STUN MESSAGE-INTEGRITY") }
            integrityOffset = start
        default:
            guard integrityOffset == nil else { return }
            attributes.append(try STUNAttribute(type: type, value: value, transactionID: transactionID))
        }
    }

    /// Takes the class bits C1 and C0 out of the method bits around them (RFC 8489 §5, figure 3).
    private static func splitType(_ type: UInt16) -> (Class, Method) {
        let method = type & 0x000F | (type & 0x00E0) >> 1 | (type & 0x3E00) >> 2
        let `class`: Class =
            switch (type & 0x0100 != 0, type & 0x0010 != 0) {
            case (false, false): .request
            case (false, true): .indication
            case (true, false): .success
            case (true, true): .error
            }
        return (`class`, Method(rawValue: method))
    }
}

// MARK: - Integrity and encoding

extension STUNMessage {
    /// Whether MESSAGE-INTEGRITY is there and was made with `key`, compared in constant time.
    ///
    /// - Parameters:
    ///   - key: The ICE password as UTF-8 (short-term credentials, RFC 8489 §9.1.1), or a
    ///     ``STUNLongTermKey``.
    ///   - datagram: The bytes this message was parsed from.
    /// - Returns: `false` also when the message has no MESSAGE-INTEGRITY.
    package func hasValidIntegrity(key: [UInt8], in datagram: Span<UInt8>) -> Bool {
        guard let integrityOffset else { return false }
        return STUNIntegrity.verify(datagram, offset: integrityOffset, key: key)
    }

    /// The message as one datagram.
    ///
    /// - Parameters:
    ///   - integrityKey: When given, MESSAGE-INTEGRITY follows the attributes.
    ///   - fingerprint: Whether FINGERPRINT ends the message, as ICE wants it.
    /// - Returns: A multiple of four bytes, at least 20.
    /// - Precondition: ``transactionID`` is 12 bytes long and no attribute is longer than 65,532 bytes.
    package func encoded(integrityKey: [UInt8]? = nil, fingerprint: Bool = true) -> [UInt8] {
        precondition(transactionID.count == Self.transactionIDLength, "a transaction ID has 12 bytes")
        var writer = ByteWriter(capacity: 128)
        writer.write(typeField)
        writer.write(UInt16(0))
        writer.write(Self.magicCookie)
        writer.write(transactionID)
        for attribute in attributes { attribute.write(to: &writer, transactionID: transactionID) }
        if let integrityKey {
            setLength(of: &writer, adding: 4 + STUNIntegrity.tagLength)
            let tag = STUNIntegrity.tag(of: writer.bytes, key: integrityKey)
            STUNAttribute.write(.messageIntegrity, value: tag, to: &writer)
        }
        if fingerprint {
            setLength(of: &writer, adding: 8)
            let checksum = STUNFingerprint.of(writer.bytes.span)
            writer.write(STUNAttributeType.fingerprint.rawValue)
            writer.write(UInt16(4))
            writer.write(checksum)
        }
        setLength(of: &writer, adding: 0)
        return writer.bytes
    }

    private var typeField: UInt16 {
        let method = method.rawValue
        let bits = UInt16(`class`.rawValue)
        return method & 0x000F | (method & 0x0070) << 1 | (method & 0x0F80) << 2
            | (bits & 1) << 4 | (bits & 2) << 7
    }

    private func setLength(of writer: inout ByteWriter, adding count: Int) {
        let length = writer.count - Self.headerLength + count
        precondition(length <= 0xFFFF, "our own messages are small")
        writer.overwrite(UInt16(length), at: 2)
    }
}
