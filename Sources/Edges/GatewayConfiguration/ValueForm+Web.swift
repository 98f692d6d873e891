import Primitives

/// - Returns: A web origin in lower case, without a path: `https://example.org:8443`.
func origin(_ text: String) throws(InvalidValue) -> String {
    let lowered = text.lowercased()
    for scheme in ["http://", "https://"] where lowered.hasPrefix(scheme) {
        let authority = lowered.dropFirst(scheme.count)
        if !authority.isEmpty, authority.utf8.allSatisfy(isAuthorityByte) { return lowered }
    }
    throw InvalidValue("`\(text)` is not an origin", cure: "write it like https://example.org, without a path")
}

extension ValueForm where Value == String {
    /// An address that requests can be sent to.
    static var httpAddress: ValueForm {
        let expected = "an address that begins with http:// or https://"
        return ValueForm(expected: expected) { text throws(InvalidValue) in
            let rest = ["http://", "https://"].first(where: text.hasPrefix).map { text.dropFirst($0.count) }
            guard let rest, text.utf8.count <= 2048, rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
                rest.utf8.first.map(isAuthorityByte) == true
            else { throw InvalidValue("`\(text)` is not \(expected)", cure: "write it like https://example.org/hook") }
            return text
        } format: {
            $0
        }
    }
}

/// - Returns: A source expression that cannot end its directive (CSP Level 3, section 2.3.1).
func contentSource(_ text: String) throws(InvalidValue) -> String {
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ";") }) else {
        throw InvalidValue(
            "`\(text)` is not a source expression",
            cure: "use 'self', 'none' or an origin like https://example.org"
        )
    }
    return text
}

/// - Returns: A literal address, or a network such as `10.0.0.0/8`.
func network(_ text: String) throws(InvalidValue) -> String {
    guard AddressNetwork(text) != nil else {
        throw InvalidValue("`\(text)` is no address and no network", cure: "write it like 192.0.2.1 or 10.0.0.0/8")
    }
    return text
}

/// - Returns: A literal address or a host name, without a port.
func hostOrAddress(_ text: String) throws(InvalidValue) -> String {
    if let address = TransportAddress(text, port: 0) {
        guard !address.isUnspecified else {
            throw InvalidValue("`\(text)` cannot be reached by clients", cure: "use the address clients connect to")
        }
        return text
    }
    let isName =
        text.utf8.count <= 253
        && text.utf8.allSatisfy { isAuthorityByte($0) && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "[") }
    guard isName, text.contains(where: \.isLetter) else {
        throw InvalidValue(
            "`\(text)` is neither an address nor a host name",
            cure: "write it without a port and without brackets"
        )
    }
    return text
}

private func isAuthorityByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: ".-_:[]".utf8.contains(byte)
    }
}
