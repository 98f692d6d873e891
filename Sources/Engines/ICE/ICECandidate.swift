package import Primitives

/// A transport address that a peer may be reached at, as signaling carries it (RFC 8839 §5.1).
package struct ICECandidate: Hashable, Sendable {
    /// What kind of address it is, and with that how much it is worth (RFC 8445 §5.1.2.2).
    package enum Kind: String, Hashable, Sendable {
        case host
        case peerReflexive = "prflx"
        case serverReflexive = "srflx"
        case relayed = "relay"

        /// The recommended type preference, 0 to 126.
        package var preference: UInt32 {
            switch self {
            case .host: 126
            case .peerReflexive: 110
            case .serverReflexive: 100
            case .relayed: 0
            }
        }
    }

    /// The protocol named in the candidate; our agents send over UDP only.
    package enum Transport: Hashable, Sendable {
        case udp
        case tcp
        /// Some other protocol; the candidate is kept but never tried.
        case other
    }

    /// Who opens the connection of a TCP candidate (RFC 6544 §4.5).
    package enum TCPType: String, Hashable, Sendable {
        case active
        case passive
        case simultaneousOpen = "so"
    }

    /// Groups candidates of one base and kind; 1 to 32 characters.
    package var foundation: String
    /// 1 for RTP (and everything else when multiplexed), 2 for RTCP; up to 256.
    package var component: Int
    package var transport: Transport
    /// 1 to 2,147,483,647; greater is better.
    package var priority: UInt32
    /// What stands in the address field: a literal, or a name such as an mDNS one.
    package var host: String
    package var port: UInt16
    package var kind: Kind
    /// The base of a reflexive or relayed candidate, when told and a literal.
    package var relatedAddress: TransportAddress?
    /// Of TCP candidates, when told.
    package var tcpType: TCPType?

    /// Where to send to; `nil` when ``host`` is not a literal address, or no packet can be sent there.
    package var address: TransportAddress? {
        guard port != 0, let address = TransportAddress(host, port: port), !address.isUnspecified else { return nil }
        return address
    }

    /// Whether a check can be sent to it: UDP, the first component, a literal address.
    package var isUsable: Bool { transport == .udp && component == 1 && address != nil }

    /// A UDP candidate of component 1 for a literal address.
    ///
    /// - Parameters:
    ///   - address: Where the peer may send to.
    ///   - kind: Its kind.
    ///   - localPreference: 0 to 65,535; ranks the candidates of one kind.
    ///   - foundation: Given when the derived one, a function of kind and address, is not wanted.
    package init(
        address: TransportAddress,
        kind: Kind = .host,
        localPreference: UInt16 = .max,
        foundation: String? = nil
    ) {
        self.foundation = foundation ?? Self.foundation(of: address, kind: kind)
        component = 1
        transport = .udp
        priority = Self.priority(kind: kind, localPreference: localPreference)
        host = address.host
        port = address.port
        self.kind = kind
    }

    /// A host candidate of component 1 that peers open TCP connections to (RFC 6544 §4.5).
    ///
    /// Its priority is below that of every UDP candidate but a relayed one: RFC 6544 §4.2 lowers the type preference
    /// for that, by as much as an application likes.
    ///
    /// - Parameters:
    ///   - address: Where the peer may connect to.
    ///   - otherPreference: 0 to 8191; ranks the passive TCP candidates among each other.
    package init(passiveTCP address: TransportAddress, otherPreference: UInt16 = 8191) {
        self.init(address: address, foundation: Self.foundation(of: address, kind: .host, transport: .tcp))
        // RFC 6544 §4.2: three bits of direction, which are 4 for a passive host candidate, and thirteen others.
        let localPreference = UInt32(4) << 13 | UInt32(min(otherPreference, 8191))
        priority = Self.passiveTCPPreference << 24 | localPreference << 8 | 255
        transport = .tcp
        tcpType = .passive
    }

    /// Less than that of any reflexive candidate, more than that of a relayed one; libwebrtc has the same.
    private static let passiveTCPPreference: UInt32 = 90

    /// The priority formula of RFC 8445 §5.1.2.1.
    ///
    /// - Parameters:
    ///   - kind: Gives the most significant part.
    ///   - localPreference: Ranks candidates of the same kind.
    ///   - component: 1 to 256.
    /// - Returns: A number between 1 and 2,130,706,431 for valid components.
    package static func priority(kind: Kind, localPreference: UInt16, component: Int = 1) -> UInt32 {
        kind.preference << 24 | UInt32(localPreference) << 8 | UInt32(clamping: 256 - max(1, min(256, component)))
    }

    /// A foundation that is the same exactly for one kind, transport and IP address (RFC 8445 §5.1.1.3), up to hash
    /// collisions, which do no harm.
    private static func foundation(of address: TransportAddress, kind: Kind, transport: Transport = .udp) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        let distinction = UInt64(kind.preference) | (transport == .tcp ? 1 << 32 : 0)
        for word in [address.high, address.low, distinction] {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                hash = (hash ^ (word >> shift & 0xFF)) &* 0x100_0000_01B3
            }
        }
        return String(UInt32(truncatingIfNeeded: hash ^ hash >> 32))
    }
}
