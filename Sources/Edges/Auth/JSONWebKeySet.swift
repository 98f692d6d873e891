import Foundation
import JWTKit

/// The public keys of whoever issues tokens (RFC 7517 §5), as far as they are of use here.
struct JSONWebKeySet: Sendable {
    /// A key and the one algorithm that it is for (RFC 8725 §3.1).
    struct Key: Sendable {
        var id: String?
        var algorithm: String
        var verifier: JWTKeyCollection
    }

    /// Longer texts are refused unread, and keys beyond this many are left out.
    static let maximumLength = 64 << 10
    static let maximumKeys = 64
    /// Bytes of an RSA modulus at least (RFC 7518 §3.3).
    private static let minimumModulusLength = 256

    let keys: [Key]

    /// Reads a set; keys of other kinds and for other uses are passed over, as RFC 7517 §5 has it.
    ///
    /// - Returns: `nil` when the text is no key set.
    init?(parsing bytes: [UInt8]) async {
        guard bytes.count <= Self.maximumLength,
            let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
            let list = object["keys"] as? [Any]
        else { return nil }
        var keys: [Key] = []
        for entry in list.prefix(Self.maximumKeys) {
            // Only texts matter; what else a key carries is of no use here.
            guard let members = (entry as? [String: Any])?.compactMapValues({ $0 as? String }),
                let key = await Self.key(members)
            else { continue }
            keys.append(key)
        }
        self.keys = keys
    }

    private static func key(_ members: [String: String]) async -> Key? {
        guard let algorithm = algorithm(of: members), members["use"] ?? "sig" == "sig",
            members["alg"] ?? algorithm == algorithm
        else { return nil }
        if algorithm == "RS256" {
            guard let modulus = members["n"].flatMap({ Base64URL.decode($0) }), modulus.count >= minimumModulusLength
            else { return nil }
        }
        // A private part that somebody published by mistake is not even read.
        var wanted = members.filter { ["kty", "crv", "x", "y", "n", "e"].contains($0.key) }
        wanted["alg"] = algorithm
        wanted["kid"] = members["kid"] ?? "only"
        let verifier = JWTKeyCollection()
        guard let data = try? JSONEncoder().encode(wanted), let jwk = try? JSONDecoder().decode(JWK.self, from: data),
            (try? await verifier.add(jwk: jwk)) != nil
        else { return nil }
        return Key(id: members["kid"], algorithm: algorithm, verifier: verifier)
    }

    private static func algorithm(of members: [String: String]) -> String? {
        switch (members["kty"], members["crv"]) {
        case ("RSA", _): "RS256"
        case ("EC", "P-256"): "ES256"
        case ("OKP", "Ed25519"): "EdDSA"
        default: nil
        }
    }

    /// The key for a token; one that names none means the only key of its kind.
    func key(id: String?, algorithm: String) -> Key? {
        let fitting = keys.filter { $0.algorithm == algorithm }
        if let id { return fitting.first { $0.id == id } }
        return fitting.count == 1 ? fitting.first : nil
    }
}
