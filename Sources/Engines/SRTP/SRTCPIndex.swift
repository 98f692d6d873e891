/// The word behind each SRTCP packet: the E flag and a 31-bit packet index (RFC 3711 §3.4).
struct SRTCPIndex: Equatable, Sendable {
    /// Its length in bytes.
    static let length = 4
    static let maximum: UInt32 = 0x7FFF_FFFF
    private static let encryptedFlag: UInt32 = 0x8000_0000

    /// In host byte order.
    var word: UInt32

    init(word: UInt32) {
        self.word = word
    }

    init(index: UInt32, isEncrypted: Bool) {
        word = index & Self.maximum | (isEncrypted ? Self.encryptedFlag : 0)
    }

    var index: UInt32 { word & Self.maximum }
    var isEncrypted: Bool { word & Self.encryptedFlag != 0 }
}
